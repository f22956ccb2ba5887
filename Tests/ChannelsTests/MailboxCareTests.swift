import Domain
import Testing
import Transport

@testable import Channels

/// What keeps ledger and server the same, and what is done on the server afterwards.
@Suite(.timeLimit(.minutes(10))) struct MailboxCareTests {
    static func mails(_ uids: ClosedRange<UInt32>) -> [UInt32: [UInt8]] {
        Dictionary(uniqueKeysWithValues: uids.map { ($0, IMAPSourceTests.mail("\($0)")) })
    }

    @Test func `a comparison counts both sides and fetches what is missing`() async throws {
        try await IMAPSourceTests.with(Self.mails(1...30)) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.count("INBOX")?.server == 30)
            #expect(spool.count("INBOX")?.ours == 30)
            spool.forget("INBOX/1699/7")
            stub.change { $0.mails[20] = nil }
            // Not before its hour.
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.count == 29)
            spool.advance(FolderComparison.every)
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.filter { $0 == "INBOX/1699/7" }.count == 1)
            #expect(spool.ids.count == 30)
            let count = try #require(spool.count("INBOX"))
            #expect((count.server, count.ours, count.late) == (29, 29, 1))
        }
    }

    @Test func `a server that numbers anew without a word is read again under other names`() async throws {
        try await IMAPSourceTests.with(Self.mails(10...12)) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            stub.change {
                $0.mails = Self.mails(1...2)
                $0.saysNext = 3
            }
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.suffix(2) == ["INBOX~1/1699/1", "INBOX~1/1699/2"])
        }
    }

    @Test(
        "mails are marked, moved or deleted only when asked, and after they are stored",
        arguments: [
            Account.After.keep, .seen, .delete, .move("Done"),
        ])
    func afterwards(_ after: Account.After) async throws {
        try await IMAPSourceTests.with(
            Self.mails(1...5), { $0.capabilities = "IMAP4rev1 IDLE UIDPLUS MOVE" }, account: { $0.after = after }
        ) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.count == 5)
            let box = stub.mailbox
            switch after {
            case .keep: #expect(box.mails.count == 5 && box.seen.isEmpty)
            case .seen: #expect(box.mails.count == 5 && box.seen == [1, 2, 3, 4, 5])
            case .delete: #expect(box.mails.isEmpty && box.moved.isEmpty)
            case .move: #expect(box.moved == [1: "Done", 2: "Done", 3: "Done", 4: "Done", 5: "Done"])
            }
            let firstTouch = box.commands.firstIndex { $0.contains("STORE") || $0.contains("MOVE") }
            let lastBody = box.commands.lastIndex { $0.contains("BODY.PEEK[]") }
            if let firstTouch, let lastBody { #expect(firstTouch > lastBody) } else { #expect(after == .keep) }
        }
    }

    @Test func `what was read before deletion was asked for stays, and so does a mail of which only a part is here`() async throws {
        var account = Account(name: "box", kind: .imap, url: "")
        account.sizeBytesMax = 1 << 10
        let box = IMAPStub(
            {
                var box = IMAPStub.Mailbox()
                box.mails = Self.mails(1...3)
                box.capabilities = "IMAP4rev1 UIDPLUS"
                return box
            }())
        let spool = Recorder()
        let loop = TransferLoop(logger: IMAPSourceTests.logger)
        account.url = box.url
        account.user = "ann"
        account.password = Secret("geheim")
        account.tls.allowPlain = true
        func poll(_ after: Account.After) async throws {
            account.after = after
            let source = IMAPSource(account: account) { try await IMAPClient.connect($0, on: loop, logger: IMAPSourceTests.logger) }
            try await source.poll(into: spool.keeper)
            await source.close()
        }
        try await poll(.keep)
        box.change { $0.mails[4] = IMAPSourceTests.mail("four") }
        try await poll(.delete)
        #expect(box.mailbox.mails.keys.sorted() == [1, 2, 3])
        box.change {
            $0.mails[5] = IMAPSourceTests.mail("five", String(repeating: "long\n", count: 1000))
            $0.mails[6] = IMAPSourceTests.mail("six")
        }
        try await poll(.delete)
        #expect(box.mailbox.mails.keys.sorted() == [1, 2, 3, 5])
        #expect(spool.ids.count == 6)
        await loop.shutdown()
        box.stop()
    }

    @Test func `a large mail goes to the store in pieces and a wanted one is fetched whole`() async throws {
        let large = IMAPSourceTests.mail("large", String(repeating: "0123456789abcde\n", count: (5 << 20) / 16))
        try await IMAPSourceTests.with([1: large, 2: IMAPSourceTests.mail("b")]) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.sunk == [large])
            #expect(spool.items[0].stored?.sizeBytes == large.count)
            #expect(spool.items[0].bytes.isEmpty)
            #expect(spool.ids == ["INBOX/1699/1", "INBOX/1699/2"])
            #expect(stub.mailbox.commands.filter { $0.contains("BODY.PEEK[]<") }.count == 6)
        }
        try await IMAPSourceTests.with([1: large], account: { $0.sizeBytesMax = 1 << 20 }) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.items.map(\.isCut) == [true])
            spool.want("INBOX/1699/1")
            spool.want("INBOX/1699/9")
            try await source.fetchWanted(into: spool.keeper)
            #expect(spool.sunk == [large])
            #expect(spool.completed.map(\.externalID) == ["INBOX/1699/1"])
            #expect(spool.completed[0].meta[MetaKey.whole] == "1")
            #expect(spool.givenUp == ["INBOX/1699/9": "it is no longer in the mailbox"])
        }
    }

    @Test func `a server whose IDLE says nothing is asked instead after two lies`() async throws {
        try await IMAPSourceTests.with([1: IMAPSourceTests.mail("1")], { $0.idlesSilently = true }) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            for uid in UInt32(2)...3 {
                async let wait: Void = source.wait(atMost: .milliseconds(200))
                stub.change { $0.mails[uid] = IMAPSourceTests.mail("\(uid)") }
                try await wait
                try await source.poll(into: spool.keeper)
            }
            #expect(spool.ids.count == 3)
            let idles = stub.mailbox.commands.filter { $0 == "IDLE" }.count
            #expect(idles == 2)
            try await source.wait(atMost: .milliseconds(20))
            #expect(stub.mailbox.commands.filter { $0 == "IDLE" }.count == idles)
        }
    }

    @Test(
        "of a mail over the limit what can be read by itself is kept",
        arguments: [
            ("Subject: a\n\nfirst\nsecond", "Subject: a\n\nfirst\n"),
            ("Content-Type: image/png\n\nAAAA\nBBBB\n", "Content-Type: image/png\n\n"),
            (
                "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\nHello\n--b\nContent-Type: image/png\n\nAAAA\n",
                "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\nHello\n"
            ),
            (
                "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nT\n--i\n\nH\n--i--\n--b\n\nA",
                "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nT\n--i\n\nH\n--i--\n"
            ),
        ])
    func firstPart(_ mail: String, _ kept: String) {
        #expect(String(decoding: MailCut.firstPart(Array(mail.utf8)), as: UTF8.self) == kept)
    }
}
