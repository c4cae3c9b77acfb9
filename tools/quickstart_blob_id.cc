#include "tools/quickstart_blob_id.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"
#include "base/sha256.h"

namespace rawkv::quickstart {

std::string GitBlobId(const std::string& hash_name, ConstBytes content) {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  const EVP_MD* hash = hash_name == "sha256" ? EVP_sha256() : EVP_sha1();
  std::string heading = "blob " + std::to_string(content.size());
  heading.push_back('\0');
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_bytes = 0;
  const bool done = context != nullptr && EVP_DigestInit_ex(context.get(), hash, nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), heading.data(), heading.size()) == 1 &&
                    EVP_DigestUpdate(context.get(), content.data(), content.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), digest, &digest_bytes) == 1;
  RAWKV_CHECK(done, "libcrypto without SHA-1 or SHA-256");
  return ToHex(std::as_bytes(std::span(digest, digest_bytes)));
}

}  // namespace rawkv::quickstart
