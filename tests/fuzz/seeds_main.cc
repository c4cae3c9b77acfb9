// rawkv-fuzz-seeds DIR: writes seeds and regressions to DIR/<target>/, and prints a line for each target: its
// name and the largest size of its inputs.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/seeds.h"
#include "tests/fuzz/target.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: rawkv-fuzz-seeds DIR\n");
    return 2;
  }
  const rawkv::fuzz::Seeds seeds = rawkv::fuzz::MakeSeeds();
  for (const auto& target : rawkv::fuzz::Targets()) {
    const std::string name(target.name);
    const std::filesystem::path dir = std::filesystem::path(argv[1]) / name;
    std::filesystem::create_directories(dir);
    std::vector<std::string> inputs = seeds.at(name);
    for (std::string& input : rawkv::fuzz::Regressions(name)) inputs.push_back(std::move(input));
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::ofstream out(dir / ("seed-" + std::to_string(i)), std::ios::binary);
      out << inputs[i];
      if (!out.flush()) {
        std::fprintf(stderr, "%s cannot be written\n", dir.c_str());
        return 1;
      }
    }
    std::printf("%s %zu\n", name.c_str(), static_cast<size_t>(target.input_bytes_max));
  }
}
