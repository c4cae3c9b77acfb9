#pragma once

// RAWKV_EXPORT makes a class or function part of librawkv.so, which hides all else: everything that a
// public header declares and does not define inline carries it. Put it between `class` and the name of
// a class or struct with out-of-line members (templates, enums and all-inline types need none), or in
// front of a free function. A symbol that lacks it still links in the tests, which use the static layers;
// tests/packaging is where it would be missed.
#define RAWKV_EXPORT [[gnu::visibility("default")]]
