import Domain
import Foundation
import Testing

@testable import Channels

@Suite(.timeLimit(.minutes(10))) struct FolderSourceTests {
    static func folder() throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "hongyan-folder-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    static func write(_ text: String, _ name: String, in path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
    }

    @Test func `whole mails are read once, in the order of their names`() async throws {
        let path = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        for name in ["b.eml", "a.eml", ".hidden.eml", "half.eml.tmp", "notes.txt"] {
            try Self.write("Subject: \(name)\r\n\r\n", name, in: path)
        }
        try FileManager.default.createDirectory(atPath: path + "/folder.eml", withIntermediateDirectories: true)
        let source = FolderSource(account: Account(name: "box", kind: .folder, url: "file://\(path)"))
        let spool = Recorder()
        try await source.poll(into: spool.keeper)
        #expect(spool.ids == ["a.eml", "b.eml"])
        #expect(spool.items.map { String(decoding: $0.bytes, as: UTF8.self) } == ["Subject: a.eml\r\n\r\n", "Subject: b.eml\r\n\r\n"])
        try Self.write("Subject: c\r\n\r\n", "c.eml", in: path)
        try await source.poll(into: spool.keeper)
        #expect(spool.ids == ["a.eml", "b.eml", "c.eml"])
        #expect(spool.batches.count == 2)
    }

    @Test func `a mail over the limit comes with its header and a sentence`() async throws {
        let path = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Self.write("Subject: big\r\nFrom: a@b.example\r\n\r\n" + String(repeating: "x", count: 5000), "big.eml", in: path)
        var account = Account(name: "box", kind: .folder, url: path)
        account.sizeBytesMax = 2048
        let spool = Recorder()
        try await FolderSource(account: account).poll(into: spool.keeper)
        let item = try #require(spool.items.first)
        #expect(String(decoding: item.bytes, as: UTF8.self) == "Subject: big\r\nFrom: a@b.example\r\n\r\n")
        #expect(
            item.meta[MetaKey.cut]
                == "This mail has 4 KB, more than the limit of 2 KB; only its header and its first part were taken. The whole mail is in \(path)/big.eml."
        )
    }

    @Test func `an account that starts at the latest leaves old files alone`() async throws {
        let path = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Self.write("Subject: old\r\n\r\n", "old.eml", in: path)
        var account = Account(name: "box", kind: .folder, url: path)
        account.start = .latest
        let spool = Recorder(now: Timestamp(seconds: 4_000_000_000))
        try await FolderSource(account: account).poll(into: spool.keeper)
        #expect(spool.ids == [])
        #expect(spool.cursor(FolderSource.stream) == "4000000000000000")
    }

    @Test func `a folder that is not there is named`() async throws {
        let source = FolderSource(account: Account(name: "box", kind: .folder, url: "/nowhere/at/all"))
        let error = await #expect(throws: SourceError.self) { try await source.poll(into: Recorder().keeper) }
        #expect(
            error?.description == "cannot read /nowhere/at/all: it does not exist; check that it exists and the daemon's user may read it")
    }
}
