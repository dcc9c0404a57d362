/// @file
/// Chapter 10, exercise: what you are to write. Edit exercise.cpp, not this file.
#pragma once
#include <vector>

#include "course/matrix.hpp"

namespace exercise {

using tenfold::course::Matrix;

/// `x` [time, dim] cut into heads: `heads` matrices [time, dim / heads], head h with columns h·d_k up to (h+1)·d_k of x.
/// dim is a multiple of heads.
std::vector<Matrix> split(const Matrix& x, int heads);

/// One head: softmax(q kᵀ / √d_k) v for q [queries, d_k], k [keys, d_k], v [keys, d_v]; the result is [queries, d_v]. The
/// softmax is over the keys, and finite for scores of any size.
Matrix attend(const Matrix& q, const Matrix& k, const Matrix& v);

/// The heads' results, each [time, d_k], side by side in their order: [time, heads · d_k]. merge(split(x, n)) is x.
Matrix merge(const std::vector<Matrix>& heads);

/// All of it: every head attends with its own slices of q [queries, dim], k and v [keys, dim]; the result is
/// [queries, dim].
Matrix multi_head(const Matrix& q, const Matrix& k, const Matrix& v, int heads);

}  // namespace exercise
