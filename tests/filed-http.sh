# SPDX-License-Identifier: ISC
# Sourced by filed.sh, whose functions and variables it uses: what a client gets,
# good ones by curl(1) and bad ones byte by byte.

# fetch NAME_OF_TEST STATUS PATH [OPTION...]: the body in out, the head in head.
fetch()
{
	fetch_name=$1 want=$2 path=$3
	shift 3
	got=$(curl -s -m 10 --path-as-is -D "$tmp/head" -o "$tmp/out" \
	    -w '%{http_code}' "$@" "$url$path")
	verdict "$fetch_name" '[ "$got" = "$want" ] &&
	    ! grep -q "the secret" "$tmp/out"'
}

has()
{
	tr -d '\r' <"$tmp/head" | grep -qix "$1"
}

good_requests()
{
	fetch "GET of a file" 200 /1k
	verdict "its bytes" 'cmp "$tmp/out" "$www/one/1k"'
	verdict "its length" 'has "Content-Length: 1024"'
	verdict "when it was changed" \
	    'has "Last-Modified: Thu, 02 Jan 2020 03:04:05 GMT"'
	verdict "a date" 'has "Date: [A-Z][a-z][a-z], .* GMT"'
	rm -f "$tmp/out"
	fetch "HEAD" 200 /1k -I
	verdict "HEAD has the length, and no body" \
	    'has "Content-Length: 1024" && [ "$(wc -l <"$tmp/out")" -lt 12 ]'
	fetch "not changed since" 304 /1k \
	    -H 'If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT'
	fetch "changed since" 200 /1k \
	    -H 'If-Modified-Since: Thu, 02 Jan 2020 03:04:04 GMT'
	fetch "a date that is none" 200 /1k -H 'If-Modified-Since: yesterday'
	fetch "the root" 200 /
	verdict "is its index" 'cmp "$tmp/out" "$www/one/index.html" &&
	    has "Content-Type: text/html; charset=utf-8"'
	fetch "a directory" 200 /sub/
	verdict "has an index" 'cmp "$tmp/out" "$www/one/sub/index.html"'
	fetch "a directory without its slash" 301 /sub?x
	verdict "is sent there" 'has "Location: /sub/"'
	fetch "a name that looks like another host" 301 //sub
	verdict "is sent to this one" 'has "Location: /sub/"'
	fetch "a directory without an index" 404 /bare/
	fetch "a type" 200 /a.css
	verdict "is told" 'has "Content-Type: text/css"'
	fetch "an encoded name, a query" 200 '/%61%20b%25?q=/../x'
	fetch "an empty file" 200 /void
	verdict "is empty" '[ "$(wc -c <"$tmp/out")" -eq 0 ]'
	fetch "a link that stays inside" 200 /inside
	verdict "is followed" 'cmp "$tmp/out" "$www/one/sub/index.html"'
	fetch "a link up that stays inside" 200 /sub/up
	curl -s "$url/big" >"$tmp/out"
	verdict "10 MiB byte by byte" \
	    '[ "$(sha256sum <"$tmp/out")" = "$(sha256sum <"$www/one/big")" ]'
	curl -s -w '%{num_connects} ' -o /dev/null "$url/1k" \
	    -o /dev/null "$url/void" -o /dev/null "$url/nothing" >"$tmp/out"
	verdict "one connection for three requests" \
	    '[ "$(cat "$tmp/out")" = "1 0 0 " ]'
}

# ranges RANGE STATUS FIRST LAST: of the 1024 bytes.
ranges()
{
	fetch "range $1" "$2" /1k -H "Range: $1"
	[ "$2" = 206 ] || return 0
	tail -c "+$(($3 + 1))" "$www/one/1k" |
	    head -c $(($4 - $3 + 1)) >"$tmp/part"
	part=$3-$4
	verdict "range $1: the part" 'cmp "$tmp/part" "$tmp/out" &&
	    has "Content-Range: bytes $part/1024"'
}

all_ranges()
{
	ranges bytes=0-0 206 0 0
	ranges bytes=10-19 206 10 19
	ranges bytes=1000- 206 1000 1023
	ranges bytes=1000-99999999999999999999 206 1000 1023
	ranges bytes=-24 206 1000 1023
	ranges bytes=-5000 206 0 1023
	ranges bytes=-99999999999999999999 206 0 1023
	ranges bytes=1024- 416
	ranges bytes=-0 416
	ranges bytes=5-4 200
	ranges bytes=0-1,5-6 200
	ranges bytes= 200
	ranges bytes=- 200
	ranges bytes=a-b 200
	ranges lines=1-2 200
	fetch "a range of nothing" 416 /void -H 'Range: bytes=0-'
	fetch "HEAD of a range" 206 /1k -I -H 'Range: bytes=1-2'
}

# Nothing above the root, in whatever spelling, and nothing that is no file.
attacks()
{
	fetch "nothing there" 404 /nothing
	fetch "a file as a directory" 404 /1k/
	fetch "..: out of the root" 403 /../secret
	fetch "..: out of a directory" 403 /sub/../../secret
	fetch "..: inside" 200 /sub/../1k
	fetch "..: encoded" 403 /%2e%2e/%2E%2e/secret
	fetch "..: with its slash encoded" 403 /..%2f..%2fsecret
	fetch "..: all encoded" 403 /%2f%2e%2e%2fsecret
	fetch "..: far up" 403 /../../../../../../../../etc/passwd
	fetch "..: encoded twice" 404 /%252e%252e/secret
	fetch "..: by backslashes" 404 '/..%5c..%5csecret'
	fetch "..: in bad UTF-8" 404 /%c0%ae%c0%ae/secret
	fetch "..: behind two slashes" 403 //../secret
	fetch "an absolute name" 404 //etc/passwd
	fetch "an absolute name, encoded" 404 /%2fetc/passwd
	fetch "/proc" 404 /proc/self/root/etc/passwd
	fetch "a NUL" 400 /1k%00.txt
	fetch "half an encoding" 400 /%2
	fetch "no encoding" 400 /%zz
	fetch "a link out of the root" 403 /outside
	fetch "an absolute link" 403 /absolute
	fetch "an absolute link to what is inside" 403 /absolute-inside
	fetch "a link into /proc" 403 /magic
	fetch "a link to itself" 403 /loop
	fetch "a FIFO does not make it wait" 403 /fifo
	fetch "POST" 405 /1k -d x=y
	verdict "says what is allowed" 'has "Allow: GET, HEAD"'
	fetch "DELETE" 405 /1k -X DELETE
	fetch "GET with a body" 400 /1k -X GET -d x
	fetch "a name of 300 bytes" 404 "/$(printf '%0300d' 0)"
	fetch "a path of 1100 bytes" 414 "/$(printf '%01100d' 0)"
	fetch "a path of 1100 bytes, encoded" 414 \
	    "/$(printf '%0366d' 0 | sed 's/0/%61/g')"
	fetch "8000 slashes" 414 "$(printf '%08000d' 0 | tr 0 /)sub"
	fetch "a URL of 9000 bytes" 414 "/$(printf '%09000d' 0)"
	fetch "a header of 9000 bytes" 431 /1k -H "X: $(printf '%09000d' 0)"
	fetch "many headers" 431 /1k $(awk 'BEGIN { for (i = 0; i < 900; i++)
	    print "-HX:yyyyyyyyy" }')
}

# raw NAME CONDITION TEXT: TEXT for printf(1), sent as it is.
raw()
{
	printf "$3" | "$client" "${4:-raw}" "$port" >"$tmp/out" 2>"$tmp/err"
	verdict "$1" "$2"
}

# answers STATUS...: these and no others came, in that order.
answers()
{
	[ "$(tr -d '\r' <"$tmp/out" | sed -n 's/.*HTTP\/1.1 \([0-9]*\) .*/\1/p' |
	    tr '\n' ' ')" = "$* " ]
}

strange_bytes()
{
	h='HTTP/1.1\r\nHost: x\r\n'
	e="$h"'Connection: close\r\n\r\n'
	raw "pipelined requests are answered in order" \
	    'answers 200 404 200 && tail -n 1 "$tmp/out" | grep -q below' \
	    "GET /a.css $h\r\nGET /nothing $h\r\nGET /sub/ $e"
	raw "200 pipelined requests" '[ "$(grep -o "HTTP/1.1 200 OK" \
	    "$tmp/out" | wc -l)" -eq 200 ]' \
	    "$(awk 'BEGIN { for (i = 0; i < 199; i++)
	        printf "GET /1k HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" }
	        ')GET /a.css $e"
	raw "garbage behind a request" 'answers 200 400' \
	    "GET /void $h\r\n\001\002\003 garbage\r\n\r\n"
	raw "garbage" 'answers 400' 'garbage\r\n\r\n'
	raw "TLS" 'answers 400' '\026\003\001\002\000\001\000\001\374\003\003'
	raw "no Host" 'answers 400' 'GET /1k HTTP/1.1\r\n\r\n'
	raw "HTTP/1.0 has an end" 'answers 200' 'GET /void HTTP/1.0\r\n\r\n'
	raw "HTTP/2" 'answers 400' 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
	raw "HTTP/2 as a version" 'answers 400' 'GET / HTTP/2.0\r\n\r\n'
	raw "CONNECT" 'answers 405' "CONNECT x:80 $e"
	raw "a URL with a host" 'answers 200' "GET http://x/void $e"
	raw "an upgrade is ignored" 'answers 200' \
	    "GET /void $h"'Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n'
	raw "a request within a body is none" 'answers 400' \
	    "GET /void ${h}Content-Length: 40\r\n\r\nGET /secret $e"
	raw "chunks" 'answers 400' \
	    "GET / ${h}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	raw "half a request" '[ ! -s "$tmp/out" ]' 'GET /1k HT' half
	raw "nothing" '[ ! -s "$tmp/out" ]' '' half
	raw "a client that ends its side gets its answer" 'answers 200' \
	    "GET /void $h\r\n" half
}
