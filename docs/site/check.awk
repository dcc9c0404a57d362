# Finds dead links inside the site, and requests to the outside. In its folder, FILES being a list of all that is there:
#
#   awk -f check.awk FILES *.html *.js search/*.js      exit code 1, and a line for each
#
# Links to the outside that a reader may follow are no requests; what a browser loads by itself is.

function complain(text) {
  if (text in said) return
  said[text] = failed = 1
  if (++complaints <= 20) print text
  if (complaints == 21) print "and more"
}

function refer(target) {
  if (target ~ /^(https?:|mailto:|javascript:|data:)/ || target == "" || target == "#") return
  refs[++count] = target
  from[count] = FILENAME
}

FILENAME != last { last = FILENAME; folder = FILENAME; sub(/[^\/]*$/, "", folder); script = FILENAME ~ /\.js$/ }
NR == FNR { there[$0] = 1; next }
script {  # the tree and the search: "page.html#anchor"
  while (match($0, /["'][A-Za-z0-9_.\/-]+\.html(#[^"']*)?["']/)) {
    refer(substr($0, RSTART + 1, RLENGTH - 2))
    $0 = substr($0, RSTART + RLENGTH)
  }
  next
}
/<(script|img|source|iframe|video|object)[^>]*(src|data)="(https?:)?\/\// || /<link[^>]*href="(https?:)?\/\// ||
/@import|url\( *["']?(https?:)?\/\// { complain(FILENAME ": a request to the outside: " substr($0, 1, 120)) }
FILENAME ~ /\.css$/ { next }
{
  rest = $0
  while (match(rest, /[ "](id|name)="[^"]*"/)) {
    at = RSTART + index(substr(rest, RSTART), "=") + 1
    anchors[FILENAME "#" substr(rest, at, RSTART + RLENGTH - 1 - at)] = 1
    rest = substr(rest, RSTART + RLENGTH - 1)
  }
  while (match($0, /[ "](href|src)="[^"]*"/)) {
    at = RSTART + index(substr($0, RSTART), "=") + 1
    refer(substr($0, at, RSTART + RLENGTH - 1 - at))
    $0 = substr($0, RSTART + RLENGTH - 1)
  }
}
END {
  for (i = 1; i <= count; i++) {
    target = refs[i]
    anchor = ""
    if (match(target, /#/)) { anchor = substr(target, RSTART + 1); target = substr(target, 1, RSTART - 1) }
    path = from[i]
    if (target != "") {
      folder = from[i]
      sub(/[^\/]*$/, "", folder)
      if (from[i] ~ /^search\//) folder = sub(/^\.\.\//, "", target) ? "" : folder
      path = folder target
      while (match(path, /[^\/]+\/\.\.\//)) path = substr(path, 1, RSTART - 1) substr(path, RSTART + RLENGTH)
    }
    sub(/\?.*/, "", path)
    if (!(path in there)) complain(from[i] ": a link to " refs[i] ", which is not there")
    else if (anchor != "" && path ~ /\.html$/ && !((path "#" anchor) in anchors))
      complain(from[i] ": a link to " refs[i] ", which has no such place")
  }
  exit failed
}
