#pragma once

// A header of the consumer with the path of a header of rawkv: each side must include its own.
inline constexpr int kExitFailure = 1;
