#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "services/platform/api/call.h"
#include "services/platform/api/page_token.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/keyring.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::testing {

// Views by principal ("staff:dr-a"); whoever has none sees nothing.
class FakeAccessSource : public records::AccessSource {
 public:
  absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> ViewFor(
      const api::Call& call) override {
    MutexLock lock(mutex_);
    const auto found = views_.find(auth::FormatPrincipal(call.principal));
    auto view = std::make_shared<type::v1::AccessView>();
    if (found != views_.end()) {
      *view = found->second;
    }
    view->set_practice(call.practice());
    return std::shared_ptr<const type::v1::AccessView>(std::move(view));
  }
  void Set(const std::string& principal, type::v1::AccessView view) {
    MutexLock lock(mutex_);
    views_[principal] = std::move(view);
  }

 private:
  Mutex mutex_;
  std::map<std::string, type::v1::AccessView> views_ ABSL_GUARDED_BY(mutex_);
};

// A database over a memory store, a clock that stands still and ids that can be foreseen.
class DatabaseFixture {
 public:
  DatabaseFixture()
      : store_(storage::MakeMemoryStore(clock_)),
        keyring_(*auth::OpenKeyringFile(folder_.PathOf("keyring"), clock_, nullptr)),
        page_tokens_(*keyring_) {}

  FakeClock& clock() { return clock_; }
  FakeIdGenerator& ids() { return ids_; }
  storage::Store& store() { return *store_; }
  FakeAccessSource& access() { return access_; }
  api::PageTokens& page_tokens() { return page_tokens_; }
  records::Database Database() { return Database(access_); }
  records::Database Database(records::AccessSource& access) {
    return records::Database({store_.get(), &access, &page_tokens_, &ids_});
  }

  // A call at the clock's time, as the adapter would make it.
  api::Call Call(auth::PrincipalKind kind, const std::string& subject,
                 const std::string& method = "/test/Method", const std::string& practice = "p1") {
    api::Call call;
    call.principal.practice = practice;
    call.principal.kind = kind;
    call.principal.subject = subject;
    call.method = method;
    call.call_id = ids_.NewId();
    call.time = clock_.Now();
    call.deadline = absl::InfiniteFuture();
    return call;
  }

 private:
  // Made before the keyring is opened.
  struct KeyringFolder : TemporaryFolder {
    KeyringFolder() {
      if (!auth::WritePrivateFile(PathOf("keyring"), auth::GenerateKeyring(absl::Now())).ok()) {
        abort();
      }
    }
  };
  KeyringFolder folder_;
  FakeClock clock_;
  FakeIdGenerator ids_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<auth::KeyringFile> keyring_;
  api::PageTokens page_tokens_;
  FakeAccessSource access_;
};

}  // namespace securebase::testing
