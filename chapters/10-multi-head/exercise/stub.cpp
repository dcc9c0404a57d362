// Chapter 10, exercise: split, attend, merge.
//
// Approach
//   1. split: which columns of x belong to head h? Write it for one head first: d_k columns from h · d_k on.
//   2. attend: chapter 3's formula on one head. Scores, divided by the root of the width these queries have; a softmax
//      for every query, over the keys; the weighted sum of the values.
//   3. merge: split, the other way round.
//   4. multi_head: split all three, attend head by head, merge. No line of arithmetic of its own.
//
// Example: x = (1 2 3 4) with 2 heads splits into (1 2) and (3 4); merge makes (1 2 3 4) of them again. With q = (0 0 0 0)
// every head weighs all keys alike, so multi_head gives the mean of the rows of v.
//
// Judge it with  make check N=10 ; a hint with  make hint N=10
#include "exercise.hpp"

#include <cmath>

namespace exercise {

std::vector<Matrix> split(const Matrix& x, int heads) {
  return std::vector<Matrix>(static_cast<std::size_t>(heads), x);  // your code: every head gets all columns
}

Matrix attend(const Matrix& q, const Matrix& k, const Matrix& v) {
  return Matrix(q.rows(), v.columns());  // your code
}

Matrix merge(const std::vector<Matrix>& heads) {
  return heads.front();  // your code: only the first head is there
}

Matrix multi_head(const Matrix& q, const Matrix& k, const Matrix& v, int heads) {
  return attend(q, k, v);  // your code: one softmax for all
}

}  // namespace exercise
