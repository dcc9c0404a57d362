# Fills in the links to files of the project: repository:PATH becomes the page of the source browser, or the copy of a file
# that Doxygen does not know (figures, tables, the licence), which is made here; a folder, the list of files.
#
#   awk -v html=FOLDER -f finish.awk PLACES PAGE.html      in the project's root; exit code 1 when a file is not there

function place(path) {
  sub(/\/$/, "", path)
  if (path in page) return page[path]
  if (system("test -f '" path "'") == 0) {
    if (system("mkdir -p \"$(dirname '" html "/files/" path "')\" && cp '" path "' '" html "/files/" path "'") != 0) failed = 1
    return page[path] = "files/" path
  }
  if (system("test -d '" path "'") == 0) return page[path] = "files.html"
  name = FILENAME
  sub(/.*\//, "", name)
  printf "docs: %s links to %s, which is not there\n", name, path | "cat >&2"
  failed = 1
  return page[path] = "#"
}

NR == FNR { split($0, field, "\t"); page[field[1]] = field[2]; next }
{
  out = ""
  while (match($0, /"repository:[^"]*"/)) {
    out = out substr($0, 1, RSTART) place(substr($0, RSTART + 12, RLENGTH - 13)) "\""
    $0 = substr($0, RSTART + RLENGTH)
  }
  print out $0
}
END { exit failed }
