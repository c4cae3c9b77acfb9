#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rawkv::ctl {

// "; did you mean 'rollback'?" for the candidate that begins with `name` or is a typing error away
// from it; "" if there is none.
std::string SuggestName(std::string_view name, std::span<const std::string> candidates);

}  // namespace rawkv::ctl
