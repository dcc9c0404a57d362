/// @file
/// The exercise of chapter 7: what you write, and what it must do.
#pragma once
#include "course/matrix.hpp"

namespace exercise {

using tenfold::course::Matrix;

/// Sinusoidal positions [length, width], width even. Columns 2i and 2i+1 hold the sine and the cosine of the
/// same angle, position / 10000^(2i / width); the first position is 0.
Matrix positional_encoding(int length, int width);

/// One head of cross-attention, softmax(Q Kᵀ / √d_k) V.
/// @param decoder       [target, dim]: what asks
/// @param memory        [source, dim]: what answers, the encoder's output with padding rows at its end
/// @param w_query       [dim, d_k]; Q is decoder or memory times this, which of the two is yours to decide
/// @param w_key         [dim, d_k]
/// @param w_value       [dim, d_v]
/// @param source_length how many rows of the memory are words, at least 1; the rest must have no influence at
/// all
/// @return [target, d_v]
Matrix cross_attention(const Matrix& decoder, const Matrix& memory, const Matrix& w_query,
                       const Matrix& w_key, const Matrix& w_value, int source_length);

}  // namespace exercise
