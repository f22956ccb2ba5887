import Desk
import Domain
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct ReplyFilesTests {
    private static func multipart(_ fields: [(String, String)], files: [(name: String, type: String, body: String)]) -> String {
        let plain = fields.map { "--xyz\r\nContent-Disposition: form-data; name=\"\($0.0)\"\r\n\r\n\($0.1)\r\n" }
        let parts = files.map {
            "--xyz\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\($0.name)\"\r\nContent-Type: \($0.type)\r\n\r\n\($0.body)\r\n"
        }
        return (plain + parts).joined() + "--xyz--\r\n"
    }

    private func post(_ browser: Browser, _ body: String) async throws -> Browser.Page {
        try await browser.send(
            .post, "/tickets/1001/reply", body: body, accept: "text/html", ["Content-Type": "multipart/form-data; boundary=xyz"])
    }

    private func fields(_ browser: Browser, _ more: [(String, String)] = []) -> [(String, String)] {
        [("csrf", browser.csrf), ("draft", "draft-0001"), ("text", "See the file."), ("do", "send")] + more
    }

    @Test func `files go with the answer, whatever they are called`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            let files = [
                (name: "发票; 2026.pdf", type: "application/pdf", body: "%PDF\r\n\r\n--xy"),
                (name: "", type: "application/octet-stream", body: ""),
                (name: "C:\\tmp\\a%22b.txt", type: "text/plain", body: "x"),
            ]
            #expect(try await post(maya, Self.multipart(fields(maya), files: files)).status == .seeOther)
            let send = try #require(try await house.store.read { try $0.sends.ofTicket(ticket.id).first })
            #expect(send.details.files.map(\.name) == ["发票; 2026.pdf", "a\"b.txt"])
            #expect(send.details.files.map(\.type) == ["application/pdf", "text/plain"])
            #expect(try await house.store.blobs.get(send.details.files[0].hash) == Array("%PDF\r\n\r\n--xy".utf8))
            #expect(try await maya.get("/tickets/1001").body.contains("发票; 2026.pdf"))
        }
    }

    @Test func `too much is refused and nothing is planned`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            var settings = house.site.desk.settings
            settings.replies.filesBytesMax = 1000
            house.site.desk.reload(settings)
            let maya = try await house.signIn(house.maya, browser)
            let large = (name: "a.bin", type: "x/y", body: String(repeating: "z", count: 1001))
            let answer = try await post(maya, Self.multipart(fields(maya), files: [large]))
            #expect(answer.status == .contentTooLarge)
            #expect(answer.body.contains("These files are too many or too large for one mail."))
            let many = Array(repeating: (name: "a.txt", type: "text/plain", body: "x"), count: 21)
            #expect(try await post(maya, Self.multipart(fields(maya), files: many)).status == .contentTooLarge)
            #expect(try await house.store.read { try $0.sends.ofTicket(ticket.id).isEmpty })
        }
    }

    @Test(
        "a box that is not ticked says no, a form without boxes says nothing",
        arguments: [
            ([("boxes", "1")], false), ([("boxes", "1"), ("quote", "1")], true), ([], true),
        ] as [([(String, String)], Bool)])
    func boxes(more: [(String, String)], isQuoted: Bool) async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            var settings = house.site.desk.settings
            settings.replies.quotes = true
            house.site.desk.reload(settings)
            let maya = try await house.signIn(house.maya, browser)
            #expect(try await maya.get("/tickets/1001").body.contains("name=\"quote\" value=\"1\" checked"))
            #expect(try await post(maya, Self.multipart(fields(maya, more), files: [])).status == .seeOther)
            let send = try #require(try await house.store.read { try $0.sends.ofTicket(ticket.id).first })
            #expect((send.details.quotes != nil) == isQuoted)
        }
    }

    @Test func `an upload without the session's token is refused`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            var maya = try await house.signIn(house.maya, browser)
            maya.csrf = "other"
            #expect(try await post(maya, Self.multipart(fields(maya), files: [])).status == .forbidden)
            #expect(try await house.store.read { try $0.sends.ofTicket(ticket.id).isEmpty })
        }
    }
}
