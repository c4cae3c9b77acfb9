#pragma once

// RAWKV_EXPORT makes a class or function visible in librawkv.so, which hides all other symbols. Everything
// that a public header declares and does not define inline needs it. Put it between `class` and the name of a
// class or struct with out-of-line members, or in front of a free function. Templates, enums and all-inline
// types need none. A symbol without it still links in most tests, which use the static layers;
// tests/packaging detects it.
#define RAWKV_EXPORT [[gnu::visibility("default")]]
