# From Doxygen's tag file: where in the site a file or folder of the project is shown, "PATH<tab>PAGE" a line. Of a file that
# is the page of the source browser.
function inside(line) {
  gsub(/^ *<[a-z]*>|<\/[a-z]*> *$/, "", line)
  return line
}
/<compound kind=/ { kind = $0; name = path = "" }
/^    <name>/ && name == "" { name = inside($0) }
/^    <path>/ { path = inside($0); if (index(path, root) == 1) path = substr(path, length(root) + 1) }
/^    <filename>/ {
  page = inside($0)
  if (kind ~ /"file"/) { sub(/\.html$/, "_source.html", page); print path name "\t" page }
  if (kind ~ /"dir"/) { sub(/\/$/, "", path); print path "\t" page }
}
