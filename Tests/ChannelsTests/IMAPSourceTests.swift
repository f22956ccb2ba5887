import Domain
import Logging
import Testing
import Transport

@testable import Channels

@Suite(.timeLimit(.minutes(10))) struct IMAPSourceTests {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func mail(_ subject: String, _ body: String = "Hello") -> [UInt8] {
        Array("From: ann@example.com\r\nSubject: \(subject)\r\n\r\n\(body)\r\n".utf8)
    }

    /// Runs a test against a stub with some mails.
    static func with(
        _ mails: [UInt32: [UInt8]], _ change: (inout IMAPStub.Mailbox) -> Void = { _ in }, account edit: (inout Account) -> Void = { _ in },
        _ test: (IMAPStub, any Source, Recorder) async throws -> Void
    ) async throws {
        var mailbox = IMAPStub.Mailbox()
        mailbox.mails = mails
        change(&mailbox)
        let stub = IMAPStub(mailbox)
        let loop = TransferLoop(logger: logger)
        var account = Account(name: "box", kind: .imap, url: stub.url)
        account.user = "ann"
        account.password = Secret("geheim")
        account.tls.allowPlain = true
        edit(&account)
        let source = source(for: account, loop: loop) {
            try await IMAPClient.connect($0, on: loop, logger: logger)
        } connectPOP3: {
            try await POP3Client.connect($0, on: loop, logger: logger)
        }
        do { try await test(stub, source, Recorder()) } catch {
            await source.close()
            await loop.shutdown()
            stub.stop()
            throw error
        }
        await source.close()
        await loop.shutdown()
        stub.stop()
    }

    @Test func `mails come once, in ascending order, and stay unseen`() async throws {
        try await Self.with([3: Self.mail("three"), 9: Self.mail("nine"), 5: Self.mail("five")]) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.ids == ["INBOX/1699/3", "INBOX/1699/5", "INBOX/1699/9"])
            #expect(spool.items[0].bytes == Self.mail("three"))
            #expect(spool.items[0].meta[MetaKey.folder] == "INBOX")
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.count == 3)
            stub.change { $0.mails[12] = Self.mail("twelve") }
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.last == "INBOX/1699/12")
            #expect(spool.ids.count == 4)
            #expect(stub.mailbox.connections == 1)
            #expect(!stub.mailbox.commands.contains { $0.hasPrefix("SELECT") || $0.contains("STORE") || $0.contains("BODY[") })
        }
    }

    @Test func `each batch is stored with its cursor before the next is fetched`() async throws {
        let mails = Dictionary(uniqueKeysWithValues: (1...401).map { (UInt32($0), Self.mail("\($0)")) })
        try await Self.with(mails) { _, source, spool in
            try await source.poll(into: spool.keeper)
            let full = spool.batches.filter { !$0.items.isEmpty }
            #expect(full.map(\.items.count) == [200, 200, 1])
            #expect(full.map { MailboxCursor($0.cursor)?.last } == [200, 400, 401])
        }
    }

    @Test func `a crash between two batches costs nothing`() async throws {
        let mails = Dictionary(uniqueKeysWithValues: (1...401).map { (UInt32($0), Self.mail("\($0)")) })
        try await Self.with(mails) { _, source, spool in
            struct DiskFull: Error {}
            var failing = spool.keeper
            let store = failing.store
            failing.store = { batch in
                if spool.items.count >= 200, !batch.items.isEmpty { throw DiskFull() }
                try await store(batch)
            }
            await #expect(throws: DiskFull.self) { try await source.poll(into: failing) }
            #expect(spool.items.count == 200)
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.count == 401)
            #expect(Set(spool.ids).count == 401)
        }
    }

    @Test func `new UIDs for old mails are read again under their new names`() async throws {
        try await Self.with([1: Self.mail("a")]) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            stub.change { $0.uidValidity = 1700 }
            try await source.poll(into: spool.keeper)
            #expect(spool.ids == ["INBOX/1699/1", "INBOX/1700/1"])
        }
    }

    @Test func `an account that starts at the latest sees only what comes then`() async throws {
        try await Self.with([1: Self.mail("old")], account: { $0.start = .latest }) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.ids == [])
            stub.change { $0.mails[2] = Self.mail("new") }
            try await source.poll(into: spool.keeper)
            #expect(spool.ids == ["INBOX/1699/2"])
        }
    }

    @Test func `of a mail over the limit only header and first part come, and the others come whole`() async throws {
        let huge = Self.mail("huge", String(repeating: "xxxxxxxxxxxxxxx\n", count: (5 << 20) / 16))
        try await Self.with([1: Self.mail("a"), 2: huge, 3: Self.mail("b")], account: { $0.sizeBytesMax = 1 << 20 }) { _, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.ids == ["INBOX/1699/1", "INBOX/1699/2", "INBOX/1699/3"])
            #expect(spool.items[1].isCut)
            #expect(spool.items[1].bytes.count < 80 << 10)
            #expect(spool.items[1].bytes.starts(with: Array("From: ann@example.com\r\nSubject: huge\r\n\r\n".utf8)))
            #expect(
                spool.items[1].meta[MetaKey.cut]
                    == "This mail has 5 MB, more than the limit of 1 MB; only its header and its first part were taken. The whole mail is in the mailbox, folder INBOX."
            )
        }
    }

    @Test(
        "a mail the server cannot give comes as its header with the reason, the others come whole",
        arguments: [
            (
                IMAPStub.Quirk.refused,
                "The mail server did not give this mail whole: 127.0.0.1 refused UID FETCH: NO [SERVERBUG] cannot read message"
            ), (.withheld, "The mail server announced this mail but gave no text for it."),
        ])
    func passesBadMail(_ quirk: IMAPStub.Quirk, _ says: String) async throws {
        try await Self.with([1: Self.mail("a"), 2: Self.mail("bad"), 3: Self.mail("c")], { $0.quirks[2] = quirk }) { _, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.ids == ["INBOX/1699/1", "INBOX/1699/2", "INBOX/1699/3"])
            #expect(spool.items.map { $0.meta[MetaKey.cut] } == [nil, says, nil])
            #expect(spool.items[1].bytes == Self.mail("bad"))
            #expect(spool.items.map(\.isCut) == [false, true, false])
        }
    }

    @Test func `a mail at which the connection always breaks is passed over after five breaks, with a note`() async throws {
        try await Self.with([1: Self.mail("a"), 2: Self.mail("bad"), 3: Self.mail("c")], { $0.quirks[2] = .cutOff }) { _, source, spool in
            var breaks = 0
            while spool.items.count < 3, breaks < 20 {
                do { try await source.poll(into: spool.keeper) } catch is TransportError { breaks += 1 }
            }
            // One break of the whole batch, then five of the mail alone.
            #expect(breaks == 1 + FetchBreaks.breaksMax)
            #expect(spool.ids == ["INBOX/1699/1", "INBOX/1699/2", "INBOX/1699/3"])
            #expect(spool.items[1].bytes.isEmpty)
            #expect(spool.items[1].meta[MetaKey.cut]?.hasPrefix("The connection broke 5 times while this mail was fetched: ") == true)
        }
    }

    @Test func `one missing folder keeps no other from being read`() async throws {
        try await Self.with([1: Self.mail("a")], account: { $0.folders = ["INBOX", "Nowhere"] }) { _, source, spool in
            let error = await #expect(throws: TransportError.self) { try await source.poll(into: spool.keeper) }
            #expect(error?.description == "127.0.0.1 refused EXAMINE: NO no such mailbox")
            #expect(spool.ids == ["INBOX/1699/1"])
        }
    }

    @Test func `a refused login stops the account, and the message holds no password`() async throws {
        try await Self.with([:], { $0.acceptsLogin = false }) { _, source, spool in
            let error = await #expect(throws: TransportError.self) { try await source.poll(into: spool.keeper) }
            #expect(error.map(SourceError.remedy) == .stop)
            #expect(error?.description.contains("geheim") == false)
            #expect(error?.description.contains("refused the login of ann") == true)
        }
    }

    @Test func `a server that greets wrongly is an error that says so`() async throws {
        try await Self.with([:], { $0.greeting = "HTTP/1.1 200 OK" }) { _, source, spool in
            let error = await #expect(throws: TransportError.self) { try await source.poll(into: spool.keeper) }
            #expect(error?.description.contains("127.0.0.1") == true)
            #expect(error.map(SourceError.remedy) == .retry(notBefore: nil))
        }
    }

    @Test func `IDLE ends the wait when mail arrives`() async throws {
        try await Self.with([1: Self.mail("a")]) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            async let wait: Void = source.wait(atMost: .seconds(50))
            while !stub.mailbox.commands.contains("IDLE") { try await Task.sleep(for: .milliseconds(5)) }
            stub.change { $0.mails[2] = Self.mail("b") }
            try await wait
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.last == "INBOX/1699/2")
            #expect(stub.mailbox.connections == 1)
        }
    }

    @Test func `a connection the server closed between polls is opened again without a failure`() async throws {
        try await Self.with([1: Self.mail("a")], { $0.capabilities = "IMAP4rev1" }) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            stub.change {
                $0.mails[2] = Self.mail("b")
                $0.hangsUpOnce = true
            }
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.last == "INBOX/1699/2")
            #expect(stub.mailbox.connections == 2)
        }
    }
}
