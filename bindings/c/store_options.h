#pragma once

#include "base/result.h"
#include "engine/api/options.h"

// The options of calls as text. rawkv_c.h lists the keys. kInvalidArgument names a wrong word. `name` is the
// function, with which the messages begin.
namespace rawkv {

class OptionText;

namespace c {

Result<FormatOptions> ParseFormatOptions(const char* text);
Result<OpenOptions> ParseOpenOptions(const char* text);
// The options of a call on a closed store: those of an open that find the store. `more` has other keys.
Result<OpenOptions> ParseClosedOptions(OptionText& more, const char* text);
// Any of the settings that STORE keeps.
Result<SettingsChange> ParseSettings(const char* name, const char* text);
// Adds the key `log`: "stderr" or "none".
void AddLog(OptionText& options, Environment* env);

}  // namespace c
}  // namespace rawkv
