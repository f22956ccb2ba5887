import Domain
import Synchronization
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct IMAPClientTests {
    @Test func `a mailbox is opened after login, capabilities and introduction`() async throws {
        let server = StubServer.imap("IMAP4rev1 CONDSTORE ID") { _, _, _ in false }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            #expect(client.capabilities == ["IMAP4REV1", "CONDSTORE", "ID"])
            let status = try await client.examine("Entwürfe")
            #expect(
                status
                    == MailboxStatus(
                        uidValidity: 7, uidNext: 12, exists: 3, highestModSeq: 715_194_045_007, permanentFlags: ["\\Seen", "\\*"]))
            await client.logout()
        }
        let lines = server.lines.filter { $0.hasPrefix("h") }
        #expect(
            lines == [
                "h1 CAPABILITY", "h1 ID (\"name\" \"Hongyan\" \"version\" \"1\")", "h2 EXAMINE \"Entw&APw-rfe\" (CONDSTORE)", "h3 LOGOUT",
            ])
    }

    @Test func `a refused login is told with the server's words and without the password`() async throws {
        let server = StubServer { peer in
            peer.say("* OK stub")
            while true {
                let words = try peer.line().split(separator: " ")
                guard words.count > 1 else { return }
                switch words[1] {
                case "CAPABILITY": peer.say("* CAPABILITY IMAP4rev1\r\n\(words[0]) OK done")
                case "LOGIN": peer.say("\(words[0]) NO [AUTHENTICATIONFAILED] Authentication failed.")
                default: peer.say("* BYE\r\n\(words[0]) OK")
                }
            }
        }
        try await withLoop { loop in
            let error = await #expect(throws: TransportError.self) {
                _ = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            }
            #expect(
                error?.description == "127.0.0.1 refused the login of anna: [AUTHENTICATIONFAILED] Authentication failed."
                    + " Check user and password or token."
            )
            #expect(error?.isTemporary == false)
            #expect(await loop.openCount() == 0)
        }
    }

    @Test func `a server that refuses a login and then says nothing does not hold up the others`() async throws {
        let mute = StubServer { peer in
            peer.say("* OK stub")
            _ = try peer.line()
            peer.say("* CAPABILITY IMAP4rev1\r\nA001 OK done")
            _ = try peer.line()
            peer.say("A002 NO go away")
            peer.untilClosed()
        }
        try await withLoop { loop in
            await #expect(throws: TransportError.loginRefused(host: "127.0.0.1", user: "anna", reply: "go away")) {
                _ = try await IMAPClient.connect(mute.imap(), on: loop, logger: logger)
            }
        }
    }

    @Test(
        "a connection that cannot be used says why",
        arguments: [
            ("220 this is a mail relay\r\n", "127.0.0.1 answered against the protocol: it said 220 this is a mail relay."),
            ("", "the connection to 127.0.0.1 was lost: it hung up without a greeting."),
        ])
    func wrongGreeting(greeting: String, says: String) async throws {
        let server = StubServer { peer in
            peer.say(Array(greeting.utf8))
            if !greeting.isEmpty { peer.untilClosed() }
        }
        try await withLoop { loop in
            let error = await #expect(throws: TransportError.self) {
                _ = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            }
            #expect(error?.description == says)
        }
    }

    @Test func `without STARTTLS no password is sent`() async throws {
        let server = StubServer.imap("IMAP4rev1") { _, _, _ in false }
        var endpoint = server.imap()
        endpoint.tls = TLS()
        let strict = endpoint
        try await withLoop { loop in
            let error = await #expect(throws: TransportError.self) { _ = try await IMAPClient.connect(strict, on: loop, logger: logger) }
            #expect(
                error?.description == "127.0.0.1 offers no STARTTLS, so the login would travel in the clear;"
                    + " use the TLS port, or set allowPlain for a local server."
            )
        }
        #expect(!server.lines.contains { $0.contains("LOGIN") })
    }

    @Test func `mails arrive one by one, whatever their text pretends to be`() async throws {
        let evil = "Subject: x\r\n\r\nh2 OK done\r\n* BYE\r\n"
        let server = StubServer.imap { peer, tag, command in
            #expect(command == "UID FETCH 5:7 (UID FLAGS INTERNALDATE BODY.PEEK[])")
            peer.say("* 1 FETCH (FLAGS (\\Seen))")
            peer.say("* 1 FETCH (UID 5 FLAGS (\\Seen $Done) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[] {\(evil.utf8.count)}")
            peer.say(Array(evil.utf8))
            peer.say(")\r\n* 9 EXISTS\r\n* 2 FETCH (BODY[] \"short\" UID 6)\r\n* 3 FETCH (UID 7 BODY[] NIL)\r\n\(tag) OK done")
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            _ = try await client.examine("INBOX")
            var mails: [FetchedMail] = []
            try await client.fetch([7, 5, 6]) { mails.append($0) }
            let date = Timestamp(seconds: 837_596_665)
            #expect(
                mails == [
                    FetchedMail(uid: 5, flags: ["\\Seen", "$Done"], internalDate: date, bytes: Array(evil.utf8)),
                    FetchedMail(uid: 6, flags: [], internalDate: nil, bytes: Array("short".utf8)),
                ])
            // The EXISTS that came along is not lost: the next wait ends at once.
            #expect(try await client.idle(atMost: .seconds(3600)))
        }
    }

    @Test func `a server that counts conversations is asked for a mail's`() async throws {
        let server = StubServer.imap("IMAP4rev1 X-GM-EXT-1") { peer, tag, command in
            #expect(command == "UID FETCH 5:6 (UID FLAGS INTERNALDATE X-GM-THRID BODY.PEEK[])")
            peer.say("* 1 FETCH (X-GM-THRID 18446744073709551615 UID 5 BODY[] \"a\")\r\n* 2 FETCH (UID 6 X-GM-THRID nonsense BODY[] \"b\")")
            peer.say("\(tag) OK done")
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            var mails: [FetchedMail] = []
            try await client.fetch([5, 6]) { mails.append($0) }
            #expect(mails.map(\.threadID) == ["18446744073709551615", nil])
        }
    }

    @Test func `a connection lost within a mail is an error and not half a mail`() async throws {
        let server = StubServer.imap { peer, _, _ in
            peer.say(Array("* 1 FETCH (UID 5 BODY[] {1000}\r\nonly this".utf8))
            return false
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            let error = await #expect(throws: TransportError.self) {
                try await client.fetch([5]) { _ in Issue.record("half a mail") }
            }
            #expect(error?.description == "the connection to 127.0.0.1 was lost: the server closed it during UID FETCH.")
            let next = await #expect(throws: TransportError.self) { try await client.noop() }
            #expect(next?.description == "the connection to 127.0.0.1 was lost: an earlier command ended it; connect again.")
            try await eventually { await loop.openCount() == 0 }
        }
    }

    @Test func `a mail above the limit is refused before its bytes come`() async throws {
        let server = StubServer.imap { peer, _, _ in
            peer.say("* 1 FETCH (UID 5 BODY[] {1001}")
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            let error = await #expect(throws: TransportError.self) { try await client.fetch([5], sizeBytesMax: 1000) { _ in } }
            #expect(
                error?.description
                    == "127.0.0.1 answered against the protocol: to UID FETCH, it sends 1001 bytes where at most 1000 are taken.")
        }
    }

    @Test func `twenty thousand UIDs in one line arrive whole`() async throws {
        let uids = (0..<20_000).map { UInt32(100_000_000 + $0 * 3) }
        let server = StubServer.imap { peer, tag, command in
            #expect(command == "UID SEARCH SINCE 1-Nov-2026")
            peer.say("* SEARCH \(uids.map(String.init).joined(separator: " ")) (MODSEQ 917162500)\r\n* SEARCH 7\r\n\(tag) OK done")
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            #expect(try await client.uidSearch("SINCE 1-Nov-2026") == uids + [7])
            await #expect(throws: TransportError.invalid("search criteria for 127.0.0.1 may only hold printable ASCII.")) {
                try await client.uidSearch("ALL\r\nh9 LOGOUT")
            }
        }
    }

    @Test func `a refused command leaves the dialogue usable`() async throws {
        let server = StubServer.imap { peer, tag, command in
            if command.hasPrefix("UID FETCH") {
                peer.say(
                    "* 5 FETCH (UID 90 FLAGS (\\Answered) RFC822.SIZE 4711 INTERNALDATE \" 1-Jan-2026 00:00:00 +0000\")\r\n\(tag) OK done")
            } else {
                peer.say("\(tag) NO [NOPERM] read-only mailbox")
            }
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            let error = await #expect(throws: TransportError.self) { try await client.store([1, 2], flags: ["$Done"]) }
            #expect(error?.description == "127.0.0.1 refused UID STORE: NO [NOPERM] read-only mailbox")
            #expect(error?.isTemporary == false)
            let summary = MailSummary(
                uid: 90, flags: ["\\Answered"], internalDate: Timestamp(seconds: 1_767_225_600), sizeBytes: 4711)
            #expect(try await client.fetchSummaries("100:*") == [summary])
        }
        #expect(server.lines.last == "h3 UID FETCH 100:* (UID FLAGS INTERNALDATE RFC822.SIZE)")
    }

    @Test(
        "mails are moved with what the server has",
        arguments: [
            ("MOVE", ["UID MOVE 1:2 \"Done\""]),
            ("UIDPLUS", ["UID COPY 1:2 \"Done\"", "UID STORE 1:2 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 1:2"]),
        ])
    func moves(capability: String, commands: [String]) async throws {
        let server = StubServer.imap("IMAP4rev1 \(capability)") { peer, tag, _ in
            peer.say("\(tag) OK done")
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            try await client.move([1, 2], to: "Done")
        }
        #expect(server.lines.filter { $0.contains("UID ") }.map { String($0.split(separator: " ", maxSplits: 1)[1]) } == commands)
    }

    @Test func `without MOVE and UIDPLUS nothing is copied or expunged`() async throws {
        let server = StubServer.imap("IMAP4rev1") { _, _, _ in false }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            let error = await #expect(throws: TransportError.self) { try await client.move([1], to: "Done") }
            #expect(error?.description == "127.0.0.1 refused UID MOVE: it knows neither MOVE nor UIDPLUS")
        }
    }

    @Test func `a wait ends with the server's announcement and the dialogue goes on`() async throws {
        let server = StubServer.imap { peer, tag, command in
            if command == "IDLE" {
                peer.say("+ idling\r\n* OK still here\r\n* 4 EXISTS")
                try #expect(peer.line() == "DONE")
                peer.say("* 4 EXPUNGE\r\n\(tag) OK done")
            } else {
                peer.say("\(tag) OK done")
            }
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            #expect(try await client.idle(atMost: .seconds(3600)))
            #expect(try await client.noop() == false)
        }
    }

    @Test func `a wait in which nothing happens ends with DONE`() async throws {
        let server = StubServer.imap { peer, tag, _ in
            peer.say("+ idling")
            try #expect(peer.line() == "DONE")
            peer.say("\(tag) OK done")
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            #expect(try await client.idle(atMost: .milliseconds(20)) == false)
            #expect(try await client.idle(atMost: .zero) == false)
        }
    }

    @Test func `cancelling a wait ends it with DONE and leaves the dialogue usable`() async throws {
        let idling = Mutex(false)
        let server = StubServer.imap { peer, tag, command in
            guard command == "IDLE" else {
                peer.say("\(tag) OK done")
                return true
            }
            peer.say("+ idling")
            idling.withLock { $0 = true }
            try #expect(peer.line() == "DONE")
            peer.say("\(tag) OK done")
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            let wait = Task { try await client.idle(atMost: .seconds(3600)) }
            try await eventually { idling.withLock { $0 } }
            wait.cancel()
            #expect(try await wait.value == false)
            try await client.noop()
        }
    }

    @Test func `a goodbye within a wait is an error with its words`() async throws {
        let server = StubServer.imap { peer, _, _ in
            peer.say("+ idling\r\n* BYE [UNAVAILABLE] Server shutting down.")
            return false
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            let error = await #expect(throws: TransportError.self) { try await client.idle(atMost: .seconds(3600)) }
            #expect(
                error?.description == "the connection to 127.0.0.1 was lost: the server said goodbye: [UNAVAILABLE] Server shutting down.")
            #expect(error?.isTemporary == true)
        }
    }

    @Test func `an error of the receiver ends the fetch and is passed on`() async throws {
        struct DiskFull: Error {}
        let server = StubServer.imap { peer, tag, _ in
            peer.say("* 1 FETCH (UID 1 BODY[] \"a\")\r\n* 2 FETCH (UID 2 BODY[] \"b\")\r\n\(tag) OK done")
            return true
        }
        try await withLoop { loop in
            let client = try await IMAPClient.connect(server.imap(), on: loop, logger: logger)
            await #expect(throws: DiskFull.self) { try await client.fetch([1, 2]) { _ in throw DiskFull() } }
            await #expect(throws: TransportError.self) { try await client.noop() }
        }
    }

    @Test func `a token logs in with XOAUTH2`() async throws {
        let server = StubServer { peer in
            peer.say("* OK stub")
            while true {
                let words = try peer.line().split(separator: " ")
                switch words.count > 1 ? words[1] : "" {
                case "CAPABILITY": peer.say("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR\r\n\(words[0]) OK done")
                case "": return
                default: peer.say("\(words[0]) OK done")
                }
            }
        }
        let endpoint = LineEndpoint(
            "imap://127.0.0.1:\(server.port)", user: "anna@example.com", accessToken: Secret("TOK"), tls: TLS(allowPlain: true))
        try await withLoop { loop in
            let client = try await IMAPClient.connect(endpoint, on: loop, logger: logger)
            await client.logout()
        }
        // base64 of user=anna@example.com^Aauth=Bearer TOK^A^A
        #expect(server.lines[1] == "A002 AUTHENTICATE XOAUTH2 dXNlcj1hbm5hQGV4YW1wbGUuY29tAWF1dGg9QmVhcmVyIFRPSwEB")
    }
}
