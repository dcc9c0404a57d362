# Turns a page written for GitHub into one that Doxygen reads; Doxyfile names it as the filter of *.md.
#
#   awk -v root=FOLDER -f markdown.awk FOLDER/docs/page.md
#
# Outside code:  $…$ and $$…$$ become Doxygen's formulas; HTML comments (the marks of generated regions) go; a link to a
# page becomes a reference, a link to any other file of the project becomes repository:PATH, which finish.awk turns into
# the page of the source browser or a copy of the file; headings get the page's name as their label's first part.

function page_of(path) {  # the label of a page, or "" for a file that is none
  if (path == "README.md") return "mainpage"
  if (path == "chapters/README.md") return "course"
  if (path ~ /^chapters\/[0-9][0-9]-[^\/]*\/README\.md$/) return "chapter-" substr(path, 10, 2)
  if (path ~ /^docs\/[^\/]*\.md$/) { sub(/^docs\//, "", path); sub(/\.md$/, "", path); return path }
  return ""
}

function exists(path,   line, there) {
  there = (getline line < (root "/" path)) >= 0
  close(root "/" path)
  return there
}

function resolved(target,   parts, n, i, path, depth, kept) {  # a path from the page's folder as one from the root
  n = split(folder target, parts, "/")
  depth = 0
  for (i = 1; i <= n; i++) {
    if (parts[i] == "" || parts[i] == ".") continue
    if (parts[i] == "..") { depth--; continue }
    kept[++depth] = parts[i]
  }
  path = kept[1]
  for (i = 2; i <= depth; i++) path = path "/" kept[i]
  return path
}

function slug(text) {  # of a heading, as GitHub makes it, but for letters beyond ASCII
  text = tolower(text)
  gsub(/[^a-z0-9 _-]/, "", text)
  gsub(/ /, "-", text)
  return text
}

function link(text, target, image,   anchor, path, page) {
  if (target ~ /^[a-z]+:/) return (image ? "!" : "") "[" text "](" target ")"
  gsub(/\n */, " ", text)
  anchor = ""
  if (match(target, /#/)) { anchor = substr(target, RSTART + 1); target = substr(target, 1, RSTART - 1) }
  path = target == "" ? here : resolved(target)
  if (image) return "<img src=\"repository:" path "\" alt=\"" text "\"/>"
  page = page_of(path)
  if (page == "" || !exists(path)) return "<a href=\"repository:" path "\">" text "</a>"
  # The contents are the chapters' parent in the tree at the left.
  if (me == "course" && page ~ /^chapter-/ && anchor == "" && !(page in contained)) {
    contained[page] = 1
    return "@subpage " page " \"" text "\""
  }
  return "[" text "](@ref " page (anchor == "" ? "" : "_" anchor) ")"
}

function prose(s,   out, c, n, run, end, at, bracket, image) {
  out = ""
  while (match(s, /[`$<[!*"\\]/)) {
    out = out substr(s, 1, RSTART - 1)
    s = substr(s, RSTART)
    c = substr(s, 1, 1)
    if (c == "`") {
      match(s, /^`+/)
      run = substr(s, 1, RLENGTH)
      end = index(substr(s, RLENGTH + 1), run)
      n = end ? RLENGTH + end - 1 + RLENGTH : RLENGTH
      out = out substr(s, 1, n)
      s = substr(s, n + 1)
    } else if (match(s, /^\*\*[^* \n]([^*]*[^* \n])?\*\*/)) {  # Doxygen wants a letter after the star
      out = out "<strong>" prose(substr(s, 3, (at = RLENGTH) - 4)) "</strong>"
      s = substr(s, at + 1)
    } else if (match(s, /^\*[^* \n]([^*]*[^* \n])?\*/)) {
      out = out "<em>" prose(substr(s, 2, (at = RLENGTH) - 2)) "</em>"
      s = substr(s, at + 1)
    } else if (c == "\"") {  # Doxygen would leave what stands in quotes as it is, formulas too
      out = out "&quot;"
      s = substr(s, 2)
    } else if (c == "\\") {
      out = out substr(s, 1, 2)
      s = substr(s, 3)
    } else if (c == "$" && substr(s, 2, 1) == "$" && (end = index(substr(s, 3), "$$"))) {
      out = out "\\f[" substr(s, 3, end - 1) "\\f]"
      s = substr(s, end + 4)
    } else if (c == "$" && substr(s, 2, 1) ~ /[^ \n$]/ && (end = index(substr(s, 2), "$")) && substr(s, end, 1) !~ /[ \n]/) {
      out = out "\\f$" substr(s, 2, end - 1) "\\f$"
      s = substr(s, end + 2)
    } else if (match(s, /^<\/?(details|summary)>/)) {
      out = out "\n\n@htmlonly[block]" substr(s, 1, RLENGTH) "@endhtmlonly\n\n"
      s = substr(s, RLENGTH + 1)
    } else if (substr(s, 1, 4) == "<!--" && (end = index(s, "-->"))) {
      s = substr(s, end + 3)
    } else if (match(s, /^<[a-zA-Z\/][^>]*>/)) {
      out = out substr(s, 1, RLENGTH)
      s = substr(s, RLENGTH + 1)
    } else if (match(s, /^!?\[[^]]*\]\([^) ]*\)/)) {
      image = c == "!"
      at = RLENGTH
      bracket = index(s, "](")
      out = out link(prose(substr(s, 2 + image, bracket - 2 - image)), substr(s, bracket + 2, at - bracket - 2), image)
      s = substr(s, at + 1)
    } else {
      out = out c
      s = substr(s, 2)
    }
  }
  return out s
}

function flush() {
  if (paragraph != "") printf "%s", prose(paragraph)
  paragraph = ""
}

FNR == 1 {
  here = substr(FILENAME, length(root) + 2)
  folder = here
  sub(/[^\/]*$/, "", folder)
  me = page_of(here)
  blank = 1
}
/^ *(```|~~~)/ && !fenced { flush(); fenced = 1; print; next }
/^ *(```|~~~)/ { fenced = 0; blank = 0; print; next }
fenced { print; next }
/^[ \t]*$/ { flush(); print; blank = 1; raw = 0; next }
/^#+ / {
  flush()
  level = index($0, " ") - 1
  title = substr($0, level + 2)
  if (level == 1) {
    gsub(/\$/, "", title)
    if (title ~ /^[0-9]+\. /) sub(/ /, "\302\240", title)  # a no-break space: "3. Why" is no list
  }
  print substr($0, 1, level + 1) (level == 1 ? title : prose(title)) " {#" (level == 1 ? me : me "_" slug(title)) "}"
  blank = 1
  next
}
blank { list = /^ *([-*+]|[0-9]+\.) / || (list && /^  /); raw = !list && /^(    |\t)/; blank = 0 }
raw { print; next }
/^ [0-9]\. / { $0 = substr($0, 2) }  # " 9." above "10."
{ paragraph = paragraph $0 "\n" }
END { flush() }
