import Channels
import Crypto
import Domain
import Foundation
import Logging
import ServiceLifecycle
import Store
import Testing

@testable import Intake

@Suite(.timeLimit(.minutes(10))) struct HookTests {
    static let text = """
        channel: p
        docs: https://p.example/docs
        config: {secret: {type: secret}}
        push:
          verify: {header: X-Sum, algorithm: hmac_sha256, key: "{{ config.secret }}"}
          challenge: {query: ask, verify: {query: word, equals: "{{ config.secret }}"}}
          records: $.items[*]
          map: {external_id: id, occurred_at: at | date(iso), text: text, author.id: from}
        """
    static let account: Account = {
        var account = Account(name: "chat", kind: .channel, url: "channel://p")
        account.channel = ChannelAccount(name: "p", inputs: ["secret": [Secret("s3cret")]])
        return account
    }()

    static func shelf(_ text: String = text) throws -> ChannelShelf { ChannelShelf(["p": try ChannelFile.read(text, file: "p.yaml")]) }

    static func post(_ body: String, key: String = "s3cret", to account: String = "chat") -> HookPost {
        let code = HMAC<SHA256>.authenticationCode(for: Array(body.utf8), using: SymmetricKey(data: Array(key.utf8)))
        return HookPost(
            account: account, headers: [("X-Sum", code.map { String(format: "%02x", $0) }.joined())], body: Array(body.utf8))
    }

    static func body(_ ids: Int...) -> String {
        let items = ids.map { #"{"id":"\#($0)","at":"2026-11-20T08:00:00Z","text":"words \#($0)","from":"zoe"}"# }
        return #"{"items":[\#(items.joined(separator: ","))]}"#
    }

    @Test func `a push becomes messages, and a repeated one no others`() async throws {
        try await House.with { house in
            let shelf = try Self.shelf()
            let service = HookService(store: house.store, accounts: [Self.account], channels: shelf, logger: House.logger)
            for body in [Self.body(1, 2), Self.body(1, 2), Self.body(2, 3)] {
                #expect(try await service.take(Self.post(body)) == .taken(status: 200, body: ""))
            }
            try await house.drain(house.digest([Self.account]))
            let found = try await house.interactions()
            #expect(found.map(\.externalID).sorted() == ["push/1", "push/2", "push/3"])
            #expect(found.first { $0.externalID == "push/2" }?.body == "words 2")
            let counts = try await house.store.read { try $0.accounts.hooks("chat") }
            #expect(counts?.taken == 3 && counts?.refusedCount == 0)
        }
    }

    @Test func `a question is answered and stores nothing`() async throws {
        try await House.with { house in
            let service = HookService(store: house.store, accounts: [Self.account], channels: try Self.shelf(), logger: House.logger)
            let right = HookPost(account: "chat", isQuestion: true, query: [("ask", "4711"), ("word", "s3cret")])
            #expect(try await service.take(right) == .challenge("4711"))
            let wrong = HookPost(account: "chat", isQuestion: true, query: [("ask", "4711"), ("word", "guess")])
            #expect(try await service.take(wrong) == .refused(.challenge))
            #expect(try await service.take(HookPost(account: "chat", isQuestion: true)) == .refused(.challenge))
            #expect(try await house.store.read { try $0.spool.counts() } == [:])
        }
    }

    @Test func `what is refused is counted, told once and not stored`() async throws {
        try await House.with { house in
            let service = HookService(store: house.store, accounts: [Self.account], channels: try Self.shelf(), logger: House.logger)
            for _ in 0..<5 { #expect(try await service.take(Self.post(Self.body(1), key: "guess")) == .refused(.signature)) }
            #expect(try await service.take(HookPost(account: "chat", body: Array(Self.body(1).utf8))) == .refused(.unsigned))
            #expect(try await service.take(Self.post(Self.body(1), to: "nobody")) == .refused(.unknown))
            service.refuse("chat", .size)
            await service.write()
            let counts = try #require(try await house.store.read { try $0.accounts.hooks("chat") })
            #expect(counts.refused == ["signature": 5, "unsigned": 1, "size": 1] && counts.taken == 0)
            #expect(counts.lastReason == .size && counts.lastRefusedAt != nil)
            #expect(try await house.store.read { try $0.accounts.hooks("nobody") } == nil)
            _ = try await service.take(Self.post(Self.body(1), key: "guess"))
            await service.write()
            let events = try await house.events(.accountChanged)
            #expect(events.map(\.data) == [["account": "chat", "refused": "7", "reason": "size"]])
            #expect(try await house.store.read { try $0.accounts.hooks("chat") }?.refusedCount == 8)
            #expect(try await house.store.read { try $0.spool.counts() } == [:])
        }
    }

    @Test func `a push that cannot be read is kept whole, and read again with a better file`() async throws {
        try await House.with { house in
            let shelf = try Self.shelf()
            let service = HookService(store: house.store, accounts: [Self.account], channels: shelf, logger: House.logger)
            let body = Self.body(1, 2).replacing("\"id\":\"2\"", with: "\"key\":\"2\"")
            #expect(try await service.take(Self.post(body)) == .taken(status: 200, body: ""))
            #expect(try await service.take(Self.post("not JSON")) == .taken(status: 200, body: ""))
            let digest = DigestService(
                store: house.store, accounts: [Self.account], owner: "test", logger: House.logger, channels: shelf)
            try await house.drain(digest)
            #expect(try await house.interactions().map(\.externalID) == ["push/1"])
            let set = try await house.quarantined()
            #expect(set.count == 2)
            #expect(set.contains { $0.error?.contains("have no external_id; correct channels/p.yaml") == true })
            shelf.put(["p": try ChannelFile.read(Self.text.replacing("external_id: id", with: "external_id: id ?? key"), file: "p.yaml")])
            for item in set { _ = try await house.store.write { try $0.spool.replay(item.id) } }
            try await house.drain(digest)
            #expect(try await house.interactions().map(\.externalID) == ["push/2"])
            #expect(try await house.quarantined().map { $0.error ?? "" }.allSatisfy { $0.contains("instead of JSON") })
        }
    }

    @Test func `an account that goes is pushed to no more`() async throws {
        try await House.with { house in
            let service = HookService(store: house.store, accounts: [Self.account], channels: try Self.shelf(), logger: House.logger)
            #expect(service.sizeBytesMax("chat") == Self.account.sizeBytesMax && service.sizeBytesMax("other") == nil)
            service.reload(accounts: [])
            #expect(service.sizeBytesMax("chat") == nil)
            #expect(try await service.take(Self.post(Self.body(1))) == .refused(.unknown))
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct HostedFormDigestTests {
    @Test func `a described form says whose it is, and brings its files`() async throws {
        try await House.with { house in
            let hash = try await house.store.blobs.put(Array("picture".utf8))
            let post = """
                {"form":"claim","fields":[["who","Mei"],["mail","mei@x.example"],["topic","Broken"],["story","It fell."],["pics","a.png"]],
                "as":{"name":"who","email":"mail","subject":"topic","text":"story"},
                "files":[{"name":"a.png","type":"image/png","size":7,"hash":"\(hash)"}],"lang":"zh-CN","at":1795000000000000,"remote":"192.0.2.1"}
                """
            try await house.spool(
                "form:claim", RawItem(externalID: "once:1:2", kind: .form, bytes: Array(post.utf8), meta: ["format": "public-form"]))
            try await house.drain(house.digest())
            let found = try #require(try await house.interactions().first)
            #expect(found.author.name == "Mei" && found.author.email == "mei@x.example")
            #expect(found.subject == "Broken" && found.body == "It fell." && found.fields.count == 5)
            #expect(found.attachments == [Attachment(name: "a.png", type: "image/png", sizeBytes: 7, hash: hash)])
        }
    }
}
