#pragma once

#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "tests/crash/damaged_store.h"

namespace rawkv {

using Ranges = VersionRanges;
Ranges Of(std::initializer_list<std::pair<uint64_t, uint64_t>> ranges);

// A row of the damage table (docs/repair.md): how to make the damage, what fsck finds, and what a repair
// does.
struct Row {
  std::string name;
  std::function<void(const std::string& dir)> damage;
  std::set<std::string> kinds;    // of the findings; empty if the next open repairs the damage itself
  std::set<std::string> actions;  // of the repair
  uint64_t tip = 12;
  Ranges gives_up = {};
  std::vector<std::string> aside = {};  // names that the repair moves the damaged parts to
  Ranges gone = {};  // versions that were unreachable before the damage, or of which no trace is left

  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

// Damage, checks and repairs of copies of the store.
class DamageRows : public DamagedStore {
 public:
  static std::vector<Row> SmallFiles();
  static std::vector<Row> Indexes();
  static std::vector<Row> Snapshots();
  static std::vector<Row> Logs();

 protected:
  static CheckReport Check(const std::string& dir);  // deep
  static RepairPlan Plan(const std::string& dir);
  static Result<RepairReport> Repair(const std::string& dir, std::optional<Ranges> may_give_up,
                                     Fs& filesystem = PosixFs());
  static std::string Text(const CheckReport& report);
  static std::set<std::string> Kinds(const CheckReport& report);
  // Marks three slots of the first page as taken though nothing names them.
  static void Leak(KeyIndex& index);
};

}  // namespace rawkv
