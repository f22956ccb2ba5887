import Domain
import Foundation
import Testing

@testable import Channels

@Suite(.timeLimit(.minutes(10))) struct SpoolTests {
    static let text = """
        channel: t
        docs: https://t.example/docs
        base: https://t.example
        streams:
          rows:
            request: {path: /rows}
            records: $[*]
            where: [{path: kind, not_in: [spam]}]
            cursor: {kind: all}
            map: {external_id: id, occurred_at: at | date(iso), text: text, author.email: mail}
        """
    static let push = """
        channel: t
        docs: https://t.example/docs
        config: {word: {type: secret, required: true}}
        push:
          verify: {header: X-Word, algorithm: none, string: "{{ config.word }}"}
          records: $.messages[*]
          map: {external_id: id, occurred_at: at | date(iso), text: text}
        """

    /// A spool with its account, ten minutes after its files were written.
    private struct Place {
        let folder: String
        let recorder = Recorder(now: Timestamp(seconds: Int64(Date().timeIntervalSince1970) + 600))
        var account: Account

        func drop(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
        func names(_ part: String = "") -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(part)")) ?? []).sorted()
        }
        func text(_ name: String) throws -> String { try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }
    }

    private func with(_ file: String? = text, _ test: (Place, SpoolSource) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hongyan-spool-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var account = Account(name: "drop", kind: .spool, url: folder)
        var shelf: [String: ChannelFile] = [:]
        if let file {
            account.channel = ChannelAccount(name: "t")
            shelf["t"] = try ChannelFile.read(file, file: "t.yaml")
        }
        let reader = ChannelReader(account, channels: ChannelShelf(shelf))
        try await test(Place(folder: folder, account: account), SpoolSource(account: account, reader: reader, warn: { _ in }))
    }

    static let mail = "From: a@x.example\r\nSubject: Hi\r\n\r\nHello\r\n"

    @Test func `mail and records are stored, then their files move to done`() async throws {
        try await with { place, source in
            try place.drop("1.eml", Self.mail)
            try place.drop("2.json", #"[{"id":"a","at":"2026-11-20T08:00:00Z","text":"one"},{"id":"b","kind":"spam"}]"#)
            try place.drop(
                "3.jsonl", "{\"id\":\"c\",\"at\":\"2026-11-20T08:00:00Z\",\"text\":\"two\"}\n\n{\"id\":\"d\",\"text\":\"three\"}\n")
            try place.drop("4.csv", "id,at,text,mail\ne,2026-11-20,\"four, five\",E@x.example\n")
            try place.drop("5.json", #"{"id":"f","text":"alone"}"#)
            try await source.poll(into: place.recorder.keeper)
            #expect(place.recorder.ids == ["mail/\(sha256(Array(Self.mail.utf8)))", "rows/a", "rows/c", "rows/d", "rows/e", "rows/f"])
            #expect(place.recorder.items.map(\.kind) == [.mail, .post, .post, .post, .post, .post])
            #expect(place.names() == ["done"] && place.names("done") == ["1.eml", "2.json", "3.jsonl", "4.csv", "5.json"])
        }
    }

    @Test func `what is being written, hidden or linked is left alone`() async throws {
        try await with { place, source in
            for name in [".1.eml", "2.eml.tmp", "3.json.part", "4.eml~"] { try place.drop(name, Self.mail) }
            try FileManager.default.createDirectory(atPath: place.folder + "/folder.eml", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: place.folder + "/5.eml", withDestinationPath: place.folder + "/.1.eml")
            let before = place.names()
            try await source.poll(into: place.recorder.keeper)
            #expect(place.recorder.items.isEmpty && place.names() == before)
        }
    }

    @Test(
        "what cannot be read goes to failed with its reason",
        arguments: [
            ("a.json", "{\"id\":", "instead of JSON"), ("a.eml", "Hello there\n\nno header", "so it is no mail"),
            ("a.eml", "", "it is empty"),
            ("a.pdf", "%PDF", "files end in eml, json, jsonl, csv and xml"), ("a.xml", "not XML", "instead of XML"),
            ("a.json", #"[{"text":"nameless"},{"id":"a","text":"good"}]"#, "1 of its records have no external_id"),
        ])
    func failures(name: String, text: String, says: String) async throws {
        try await with { place, source in
            try place.drop(name, text)
            try await source.poll(into: place.recorder.keeper)
            #expect(place.names() == ["failed"] && place.names("failed") == [name, "\(name).reason.txt"])
            let reason = try place.text("failed/\(name).reason.txt")
            #expect(reason.contains(says), "\(reason)")
            #expect(try place.text("failed/\(name)") == text)
            #expect(place.recorder.ids == (text.contains("good") ? ["rows/a"] : []))
        }
    }

    @Test func `a young file that cannot be read may still be written`() async throws {
        try await with { place, source in
            try place.drop("a.json", "[{\"id\":")
            let early = Recorder(now: Timestamp(seconds: Int64(Date().timeIntervalSince1970)))
            try await source.poll(into: early.keeper)
            #expect(place.names() == ["a.json"])
            try place.drop("a.json", #"[{"id":"a","text":"whole"}]"#)
            try await source.poll(into: early.keeper)
            #expect(early.ids == ["rows/a"] && place.names("done") == ["a.json"])
        }
    }

    @Test func `a file that is too large is told with the limit`() async throws {
        try await with { place, source in
            var small = place.account
            small.sizeBytesMax = 20
            try place.drop("a.eml", Self.mail)
            try await SpoolSource(account: small, reader: nil, warn: { _ in }).poll(into: place.recorder.keeper)
            #expect(try place.text("failed/a.eml.reason.txt").contains("more than the 20 that `size_max` allows"))
        }
    }

    @Test func `names come again, and nothing in done is written over`() async throws {
        try await with { place, source in
            for id in ["a", "b", "c"] {
                try place.drop("export.json", #"[{"id":"\#(id)","text":"x"}]"#)
                try await source.poll(into: place.recorder.keeper)
            }
            #expect(place.recorder.ids == ["rows/a", "rows/b", "rows/c"])
            #expect(place.names("done") == ["export.json", "export.json.2", "export.json.3"])
        }
    }

    @Test func `a file whose items could not be stored stays where it is`() async throws {
        struct Full: Error {}
        try await with { place, source in
            try place.drop("a.eml", Self.mail)
            try place.drop("b.json", "nothing")
            var keeper = place.recorder.keeper
            keeper.store = { _ in throw Full() }
            await #expect(throws: Full.self) { try await source.poll(into: keeper) }
            #expect(place.names() == ["a.eml", "b.json"])
            try await source.poll(into: place.recorder.keeper)
            #expect(place.names() == ["done", "failed"])
        }
    }

    @Test func `without a channel only mail is read`() async throws {
        try await with(nil) { place, source in
            try place.drop("a.eml", Self.mail)
            try place.drop("b.json", "[]")
            try await source.poll(into: place.recorder.keeper)
            #expect(place.recorder.items.count == 1)
            #expect(try place.text("failed/b.json.reason.txt").contains("the account names no `channel`"))
        }
    }

    @Test func `what a source pushes may be dropped too, a push in a file or in a line`() async throws {
        try await with(Self.push) { place, source in
            try place.drop("a.json", #"{"messages":[{"id":"1","text":"x"}]}"#)
            try place.drop(
                "b.jsonl",
                "{\"messages\":[{\"id\":\"2\",\"text\":\"y\"}]}\n{\"messages\":[]}\n{\"messages\":[{\"id\":\"3\",\"text\":\"z\"}]}\n")
            try await source.poll(into: place.recorder.keeper)
            #expect(place.recorder.ids == ["push/1", "push/2", "push/3"] && place.names("done").count == 2)
        }
    }

    @Test func `a folder that is not there is told`() async throws {
        try await with { place, source in
            var gone = place.account
            gone.url = place.folder + "/none"
            let error = await #expect(throws: SourceError.self) {
                try await SpoolSource(account: gone, reader: nil, warn: { _ in }).poll(into: place.recorder.keeper)
            }
            #expect(error?.description.contains("none") == true && error?.description.contains("it does not exist") == true)
        }
    }
}
