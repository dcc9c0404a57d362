# What Doxygen reads of a C++ file; Doxyfile names it as the filter of *.hpp and *.cpp. (The source browser shows the file
# as it is.)
#
#   awk -f cpp.awk FILE

# Every name of a declaration of several gets the comment that stands with it: Doxygen gives it to one only.
function spread(line, comment,   n, names, type, i, out) {
  sub(/;.*/, "", line)
  n = split(line, names, /, +/)
  type = names[1]
  sub(/ *=.*/, "", type)
  sub(/ *[A-Za-z_0-9]+$/, "", type)
  out = names[1] "; /**< " comment " */"
  for (i = 2; i <= n; i++) out = out " " type " " names[i] "; /**< " comment " */"
  return out
}

# On the same line, since links into the source browser go by line.
function say(comment) { $0 = "/** " comment " */ " $0 }

FNR == 1 {
  # Headers that only the .cpp files beside them include are for who works on those: their first comment will do. And a
  # chapter's code is short and to be read as it stands.
  inner = FILENAME ~ /\/(grammar_.*|mt_unicode|ngram_counts|metric_common|blas|small_product|safetensors_header|descriptor)\.hpp$/ ||
          FILENAME ~ /\/src\/cli\// || FILENAME ~ /\/chapters\/[0-9]/
  operation = FILENAME ~ /\/src\/ops\//
  # What is public stands in headers; and float and double build have the same names, so one is enough.
  if (FILENAME ~ /\.cpp$/ || FILENAME ~ /\/core\/f64\//) {
    print "/** @file */"
    exit
  }
}
{ gsub(/::inline TENFOLD_REAL/, ""); gsub(/TENFOLD_REAL::/, "") }

/^ *\/\/\// { gsub(/ al\. /, " al\\&#46; ") }  # no sentence ends there

# What every operation must have is said once, here and at the concept Operation, not in every file.
operation && /^\/\/\/ The operation of / {
  file = FILENAME
  sub(/.*\//, "", file)
  $0 = $0 " @copydoc ops/" file
}
operation && /^  static constexpr std::string_view name =/ { say("As error messages, tests and `tenfold gradcheck --op` call it.") }
operation && /^  Tensor forward\(/ { say("Checks the shapes (ShapeError), computes, and saves what backward needs, unless `saved` is null.") }
operation && /^  void backward\(/ { say("Sets dx[i] for every input from dy, the gradient of the result; formulas at the head of the file.") }
operation && /^  static std::vector<Sample<.*>> samples\(\)/ { say("The cases it is checked on.") }
operation && /^  Variable composed\(/ { say("The same function from simpler operations, against which tests hold it.") }

/^ *[A-Za-z_][A-Za-z_0-9:<>,* ]* [A-Za-z_0-9]+( = [^,;(]*)?(, [a-zA-Z_0-9]+( = [^,;(]*)?)+; +\/\/\/< / {
  comment = $0
  sub(/.*\/\/\/< /, "", comment)
  print spread($0, comment)
  next
}
{ print }
inner && /^#pragma once/ { exit }
