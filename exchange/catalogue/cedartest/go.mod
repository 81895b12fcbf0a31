module accord/exchange/catalogue/cedartest

go 1.26.0

require (
	accord v0.0.0
	github.com/cedar-policy/cedar-go v1.9.0
)

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/goccy/go-yaml v1.19.2 // indirect
	golang.org/x/exp v0.0.0-20220921023135-46d9e7742f1e // indirect
)

replace accord => ../../..
