module meridian.local/tools/pause

go 1.26.0

tool meridian.local/tools/pause
