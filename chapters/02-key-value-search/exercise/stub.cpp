// Chapter 2, exercise: a dictionary that answers softly, forward and backward by hand.
//
// Approach
//   1. match: scores s_j = query · key_j / temperature, then a softmax. Subtract the largest score first.
//   2. soft_lookup: Σ_j w_j value_j.
//   3. soft_lookup_backward, from the output towards the inputs. With g the gradient of the output:
//        values:  value_j enters with the factor w_j.
//        weights: a_j = g · value_j is the gradient of w_j.
//        scores:  through the softmax, w_j (a_j - Σ_m w_m a_m).
//        query and keys: s_j is a product of the two, over the temperature.
//
// Example: query (ln 3, 0), keys (1, 0) and (0, 1), temperature 1: weights (0.75, 0.25). For values (4) and
// (8) the answer is (5). With g = (1) the gradient of the scores is (-0.75, 0.75), and that of the query,
// too, since the keys are unit vectors.
//
// Judge it with  make check N=2 ; a hint with  make hint N=2
#include "exercise.hpp"

#include <cmath>

namespace exercise {

Vector match(const Vector& query, const Matrix& keys, double temperature) {
  (void)query, (void)temperature;                             // this line goes: they have work to do
  return Vector(static_cast<std::size_t>(keys.rows()), 0.0);  // your code
}

Vector soft_lookup(const Vector& query, const Matrix& keys, const Matrix& values, double temperature) {
  const Vector weights = match(query, keys, temperature);
  return Vector(static_cast<std::size_t>(values.columns()), 0.0);  // your code
}

Gradients soft_lookup_backward(const Vector& query, const Matrix& keys, const Matrix& values,
                               double temperature, const Vector& output_gradient) {
  const Vector weights = match(query, keys, temperature);
  Gradients g{Vector(query.size(), 0.0), Matrix(keys.rows(), keys.columns()),
              Matrix(values.rows(), values.columns())};
  (void)output_gradient;  // your code
  return g;
}

}  // namespace exercise
