module example.org/external

go 1.26.0

require github.com/planhat-bridge/planhat-bridge v0.0.0

replace github.com/planhat-bridge/planhat-bridge => ../..
