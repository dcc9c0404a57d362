/// @file
/// Matrix: rows × columns of double for the exercises. Every access is checked, so that a wrong index says so.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tenfold::course {

/// Values with two indices from 0. Throws std::out_of_range for an index that is not there.
class Matrix {
 public:
  Matrix() = default;
  /// All zeros.
  Matrix(int rows, int columns) : rows_(rows), columns_(columns) {
    if (rows < 0 || columns < 0) throw std::out_of_range("Matrix: an extent is negative");
    values_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  }
  /// From rows of equal length: Matrix{{1, 2}, {3, 4}}.
  Matrix(std::initializer_list<std::vector<double>> rows) : rows_(static_cast<int>(rows.size())) {
    columns_ = rows_ ? static_cast<int>(rows.begin()->size()) : 0;
    for (const auto& row : rows) {
      if (static_cast<int>(row.size()) != columns_) throw std::out_of_range("Matrix: rows of unequal length");
      for (double v : row) values_.push_back(v);  // insert() draws a false warning from GCC 12
    }
  }

  /// Its first extent.
  int rows() const { return rows_; }
  /// Its second extent.
  int columns() const { return columns_; }
  /// An entry, to read or write.
  double& operator()(int row, int column) { return values_[place(row, column)]; }
  /// An entry, to read.
  double operator()(int row, int column) const { return values_[place(row, column)]; }
  /// All entries, row by row.
  std::vector<double>& values() { return values_; }
  /// All entries, row by row, to read.
  const std::vector<double>& values() const { return values_; }
  /// "[3, 4]"
  std::string shape() const { return "[" + std::to_string(rows_) + ", " + std::to_string(columns_) + "]"; }

 private:
  std::size_t place(int row, int column) const {
    if (row < 0 || row >= rows_ || column < 0 || column >= columns_)
      throw std::out_of_range("Matrix: (" + std::to_string(row) + ", " + std::to_string(column) + ") is outside of " + shape());
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) + static_cast<std::size_t>(column);
  }

  int rows_ = 0, columns_ = 0;
  std::vector<double> values_;
};

}  // namespace tenfold::course
