# Two slips of Doxygen 1.9.4, mended in the site's folder: the tree links to places that an undocumented enumerator does not
# have (the page is kept, the place dropped), and the head of a page to "Classes" where all nested ones are private.
#
#   awk -f repair.awk *.html *.js      writes PAGE.mended for what it changes

FILENAME ~ /\.html$/ {
  rest = $0
  while (match(rest, /[ "](id|name)="[^"]*"/)) {
    at = RSTART + index(substr(rest, RSTART), "=") + 1
    anchors[FILENAME "#" substr(rest, at, RSTART + RLENGTH - 1 - at)] = 1
    rest = substr(rest, RSTART + RLENGTH - 1)
  }
  if (index($0, "href=\"#nested-classes\"")) suspect[FILENAME] = 1
  next
}
{
  out = ""
  while (match($0, /"[A-Za-z0-9_.-]+\.html#[^"]*"/)) {
    target = substr($0, RSTART + 1, RLENGTH - 2)
    if (!(target in anchors)) { sub(/#.*/, "", target); changed[FILENAME] = 1 }
    out = out substr($0, 1, RSTART) target "\""
    $0 = substr($0, RSTART + RLENGTH)
  }
  text[FILENAME] = text[FILENAME] out $0 "\n"
}
END {
  for (file in changed) printf "%s", text[file] > (file ".mended")
  for (file in suspect) {
    if ((file "#nested-classes") in anchors) continue
    while ((getline line < file) > 0) {
      sub(/<a href="#nested-classes">Classes<\/a>( \|)?/, "", line)
      print line > (file ".mended")
    }
  }
}
