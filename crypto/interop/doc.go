// Package interop holds no code. Its tests let independent implementations,
// npm's jose and @sd-jwt/core, read what we make and make what we read, so that
// "any JOSE tool verifies it" is tested and not believed.
//
// They need node and, once, npm ci in this folder; without that they are
// skipped and say so. The versions are pinned by package-lock.json;
// @sd-jwt/core stays at 0.19.0 because 0.20.0 cannot be installed.
package interop
