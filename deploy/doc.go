// Package deploy holds what an agency needs to run a node: the systemd unit,
// the commented configuration and the books its operators read. It has no code
// of its own; its tests hold every name in those files against the product.
package deploy
