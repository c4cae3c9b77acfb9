#include "engine/store/identity_check.h"

#include "base/endian.h"

namespace rawkv {
namespace {

// Half of the opens that have write ids of their own (docs/adr/0015). At one open a second that is 97 days.
constexpr uint64_t kImplausibleLag = uint64_t{1} << 23;

// The state of a store that a record describes, for a message.
std::string DescribeSide(uint64_t generation, std::optional<Version> closed, Lineage lineage) {
  return "generation " + std::to_string(generation) + ", closed at version " +
         (closed ? ToString(*closed) : "unknown") + ", lineage " + ToHex(lineage.value());
}

// STORE is older than the device: an error that names the differences, unless the options accept it.
Status CheckOlderStore(StoreContext& c, const StoreRecord& record, const Superblock& sb) {
  const Result<StoreRecord> newest = DecodeStoreRecord(sb.owner_record);
  const std::string differences =
      "STORE: " + DescribeSide(record.open_generation, record.closed_version, record.chain.current()) +
      "; device: " +
      DescribeSide(sb.owner_open_generation, newest.ok() ? newest->closed_version : std::nullopt,
                   Lineage(sb.owner_lineage));
  if (c.options.accept_older_store) {
    c.AcceptOlderStore();
    c.env.logger->Log(LogLevel::kWarning, c.paths.dir + ": reading a metadata directory that is older than " +
                                              c.device_path + " (" + differences +
                                              "); values whose slots were overwritten since are damaged");
    return Status::Ok();
  }
  return Status::FailedPrecondition(
      c.device_path + ": the device has been used since this STORE was written (" + differences +
      "): " + c.paths.dir +
      " looks like a restored backup, and its slots may have been overwritten; restore the newest metadata "
      "directory, or import an export. A command that only reads can open it with --accept_older_store, and "
      "returns each value that still passes its checksum");
}

}  // namespace

Status CheckIdentity(StoreContext& c, const StoreRecord& record, const Superblock& sb) {
  const std::string where = c.device_path + ": ";
  if (sb.device_uuid != record.device_uuid) {
    return Status::FailedPrecondition(where + "wrong device: its UUID is " + sb.device_uuid.ToString() +
                                      ", the store's is " + record.device_uuid.ToString() +
                                      "; name the right one with --device");
  }
  if (sb.store_uuid != record.store_uuid) {
    return Status::FailedPrecondition(where + "the device belongs to store " + sb.store_uuid.ToString() +
                                      ", not to " + record.store_uuid.ToString());
  }
  if (sb.owner_open_generation > record.open_generation ||
      !record.chain.HasBranch(Lineage(sb.owner_lineage))) {
    return CheckOlderStore(c, record, sb);
  }
  // An open counts STORE's generation up only if the superblock has the present one. So however often a crash
  // or an error comes between the two writes, the superblock is at most one generation behind.
  const uint64_t behind = record.open_generation - sb.owner_open_generation;
  if (behind >= kImplausibleLag) {
    c.env.logger->Log(LogLevel::kWarning,
                      where + "the device is " + std::to_string(behind) +
                          " opens behind STORE, more than an older copy can be: STORE was "
                          "changed by hand; check the payloads (fsck --deep)");
  } else if (behind > 1) {
    return Status::FailedPrecondition(
        where + "the device is older than " + c.paths.dir + " (last used at generation " +
        std::to_string(sb.owner_open_generation) + ", STORE is at " + std::to_string(record.open_generation) +
        "): it looks like a restored backup, and values written since are not on it; restore the newest "
        "copy of the device, or device and metadata directory of one moment, or import an export");
  }
  if (sb.layout.slot_bytes != record.slot_bytes || sb.layout.header_bytes != record.header_bytes) {
    return Status::Corruption(where + "superblock and STORE disagree on slot or header size");
  }
  return Status::Ok();
}

}  // namespace rawkv
