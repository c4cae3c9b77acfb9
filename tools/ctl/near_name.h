#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rawkv::ctl {

// "; did you mean 'rollback'?" for the candidate that a typing error away from `name`; "" if none is.
std::string DidYouMean(std::string_view name, std::span<const std::string> candidates);

}  // namespace rawkv::ctl
