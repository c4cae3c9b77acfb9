#include "tools/ctl/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace rawkv::ctl {

Status Table::Row(const std::vector<std::string>& cells) {
  if (!out_.terminal()) return out_.Line(fmt::format("{}", fmt::join(cells, "\t")));
  if (!has_header_) {
    has_header_ = true;
    std::vector<std::string> titles;
    for (const Column& column : columns_) titles.emplace_back(column.title);
    RAWKV_RETURN_IF_ERROR(Aligned(titles));
  }
  return Aligned(cells);
}

Status Table::Aligned(const std::vector<std::string>& cells) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const bool last = i + 1 == cells.size();
    line +=
        last ? cells[i] : fmt::format("{:<{}}  ", cells[i], columns_[std::min(i, columns_.size() - 1)].width);
  }
  return out_.Line(line);
}

}  // namespace rawkv::ctl
