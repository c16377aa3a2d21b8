#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "securebase/testing/v1/notes_service.pb.h"
#include "services/platform/api/call.h"
#include "services/platform/rpc/adapter.h"

namespace securebase::rpc {

// A service for tests. GetNote answers with what `get` makes, the rest with fixed notes.
class NotesHandlers {
 public:
  using Get = std::function<absl::StatusOr<testing::v1::Note>(const api::Call&,
                                                              const testing::v1::GetNoteRequest&)>;
  explicit NotesHandlers(Get get) : get_(std::move(get)) {}

  absl::StatusOr<testing::v1::Note> CreateNote(const api::Call&,
                                               const testing::v1::CreateNoteRequest& request) {
    return request.note();
  }
  absl::StatusOr<testing::v1::Note> GetNote(const api::Call& call,
                                            const testing::v1::GetNoteRequest& request) const {
    return get_(call, request);
  }
  absl::StatusOr<testing::v1::Note> UpdateNote(const api::Call&,
                                               const testing::v1::UpdateNoteRequest& request) {
    return request.note();
  }
  absl::StatusOr<google::protobuf::Empty> DeleteNote(const api::Call&,
                                                     const testing::v1::DeleteNoteRequest&) {
    return google::protobuf::Empty();
  }
  absl::StatusOr<testing::v1::ListNotesResponse> ListNotes(
      const api::Call&, const testing::v1::ListNotesRequest& request) const {
    // Three pages; the token is the number of the page.
    testing::v1::ListNotesResponse response;
    const int page = request.page_token().empty() ? 1 : std::stoi(request.page_token());
    response.add_notes()->set_text(std::to_string(page));
    if (page < 3) {
      response.set_next_page_token(std::to_string(page + 1));
    }
    return response;
  }
  absl::StatusOr<testing::v1::SummarizeNotesResponse> SummarizeNotes(
      const api::Call&, const testing::v1::SummarizeNotesRequest& request) const {
    testing::v1::SummarizeNotesResponse response;
    response.set_etag("e1");
    response.set_not_modified(request.known_etag() == "e1");
    return response;
  }

 private:
  Get get_;
};

inline constexpr char kNotesService[] = "securebase.testing.v1.NotesService";
inline constexpr char kGetNote[] = "/securebase.testing.v1.NotesService/GetNote";
inline constexpr char kCreateNote[] = "/securebase.testing.v1.NotesService/CreateNote";
inline constexpr char kDeleteNote[] = "/securebase.testing.v1.NotesService/DeleteNote";
inline constexpr char kListNotes[] = "/securebase.testing.v1.NotesService/ListNotes";
inline constexpr char kSummarizeNotes[] = "/securebase.testing.v1.NotesService/SummarizeNotes";

inline absl::StatusOr<std::unique_ptr<grpc::Service>> MakeNotesService(NotesHandlers& handlers,
                                                                       Adapter& adapter) {
  return MakeService(kNotesService, adapter,
                     {SB_RPC(handlers, CreateNote), SB_RPC(handlers, GetNote),
                      SB_RPC(handlers, UpdateNote), SB_RPC(handlers, DeleteNote),
                      SB_RPC(handlers, ListNotes), SB_RPC(handlers, SummarizeNotes)});
}

}  // namespace securebase::rpc
