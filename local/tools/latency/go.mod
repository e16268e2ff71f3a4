module meridian.local/tools/latency

go 1.26.0

require golang.org/x/sys v0.41.0

tool meridian.local/tools/latency
