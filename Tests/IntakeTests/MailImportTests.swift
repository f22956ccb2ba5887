import Channels
import Domain
import Foundation
import Store
import Synchronization
import Testing

@testable import Intake

@Suite(.timeLimit(.minutes(10))) struct MailImportTests {
    static func text(_ n: Int) -> String { "From: a\(n)@example.com\nSubject: old \(n)\nMessage-ID: <\(n)@example.com>\n\nText \(n)\n" }

    /// A Maildir with a subfolder, an mbox and a folder of files; one mail is in two of them.
    static func fill(_ folder: String) throws {
        for part in ["box/cur", "box/new", "box/tmp", "box/.Sent/cur", "files"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
        }
        func write(_ text: String, _ name: String) throws { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
        try write(text(1), "box/cur/1:2,S")
        try write(text(2), "box/new/2")
        try write("half", "box/tmp/3")
        try write("uidlist", "box/dovecot-uidlist")
        try write(text(3), "box/.Sent/cur/4")
        try write("From x@y Mon Jan  5 10:00:00 2026\n\(text(4))\nFrom x@y Mon Jan  5 10:00:01 2026\n\(text(5))\n", "old.mbox")
        try write(text(6), "files/6.eml")
        try write(text(1), "files/again.eml")
        try write("no mail", "files/readme.txt")
    }

    @Test func `Maildir, mbox and files come in once, however often they are brought`() async throws {
        try await House.with { house in
            try Self.fill(house.folder)
            let paths = ["box", "old.mbox", "files"].map { "\(house.folder)/\($0)" }
            let told = Mutex(0)
            let first = try await MailImport(store: house.store, account: "support").run(paths) { progress in
                told.withLock { $0 = progress.mails }
            }
            #expect((first.mails, first.new, first.troubleCount) == (7, 6, 0))
            #expect(told.withLock { $0 } == 7)
            try await house.drain(house.digest())
            let subjects = try await house.interactions().map(\.subject).sorted()
            #expect(subjects == (1...6).map { "old \($0)" })
            let again = try await MailImport(store: house.store, account: "support").run(paths) { _ in }
            #expect((again.mails, again.new) == (7, 0))
        }
    }

    @Test func `what the mailbox brought already is recognised`() async throws {
        try await House.with { house in
            try Self.fill(house.folder)
            try await house.spool("support", RawItem(externalID: "INBOX/7/1", kind: .mail, bytes: Array(Self.text(6).utf8)))
            _ = try await MailImport(store: house.store, account: "support").run(["\(house.folder)/files"]) { _ in }
            try await house.drain(house.digest())
            #expect(try await house.store.read { try $0.interactions.count() } == 2)
        }
    }

    @Test func `old mail carries its mark`() async throws {
        try await House.with { house in
            try Self.fill(house.folder)
            _ = try await MailImport(store: house.store, account: "support").run(["\(house.folder)/files/6.eml"]) { _ in }
            try await house.drain(house.digest())
            let mails = try await house.interactions()
            #expect(mails.map(\.isImported) == [true])
        }
    }

    @Test func `what cannot be read is told and keeps nothing out`() async throws {
        try await House.with { house in
            try Self.fill(house.folder)
            let result = try await MailImport(store: house.store, account: "support")
                .run(["\(house.folder)/nowhere", "\(house.folder)/files/6.eml"]) { _ in }
            #expect(result.troubles == ["cannot read \(house.folder)/nowhere: No such file or directory"])
            #expect(result.new == 1)
        }
    }
}
