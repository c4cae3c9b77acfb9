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

// A row of the damage table (docs/repair.md): how to come by it, what is found, what a repair does.
struct Row {
  std::string name;
  std::function<void(const std::string& dir)> damage;
  std::set<std::string> kinds;    // of findings; empty: the next open heals it by itself
  std::set<std::string> actions;  // of the repair
  uint64_t tip = 12;
  Ranges gives_up = {};
  std::vector<std::string> aside = {};  // what lies there afterwards
  Ranges gone = {};  // versions that were out of reach before, or of which nothing tells any more

  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

// Repairs as the tests call them, on copies of the damaged store.
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
  // Three slots of the first page taken by nothing.
  static void Leak(KeyIndex& index);
};

}  // namespace rawkv
