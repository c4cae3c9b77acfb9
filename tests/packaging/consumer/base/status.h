#pragma once

// The consumer's own header of a name that rawkv has too: neither may get the other's.
inline constexpr int kExitFailure = 1;
