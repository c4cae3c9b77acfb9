#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tools/ctl/output.h"

namespace rawkv::ctl {

// Prints rows of cells. A terminal gets a header line and columns of a minimal width; otherwise there is no
// header and one tab between two cells, for scripts.
class Table {
 public:
  struct Column {
    std::string_view title;
    int width = 0;  // in characters; at least this on a terminal
  };
  Table(Output& out, std::vector<Column> columns) : out_(out), columns_(std::move(columns)) {}

  // Prints one cell for each of the first columns; a row may end early.
  Status Row(const std::vector<std::string>& cells);

 private:
  Status Aligned(const std::vector<std::string>& cells);

  Output& out_;
  const std::vector<Column> columns_;
  bool has_header_ = false;
};

}  // namespace rawkv::ctl
