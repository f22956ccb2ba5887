import Crypto
import Domain
import Formats
import Foundation
import Rules
import Testing
import _CryptoExtras

@testable import Channels

@Suite struct PushTests {
    static let now = Timestamp(seconds: 1_795_161_600)
    static let whole = """
        channel: p
        docs: https://p.example/docs
        config: {secret: {type: secret}, word: {type: secret}}
        base: https://p.example
        streams:
          messages:
            request: {path: /list}
            records: $.items[*]
            where: [{path: kind, in: [text]}]
            cursor: {kind: id, path: id, send: {query: since}}
            map: {external_id: id, occurred_at: at | date(iso), text: text, author.id: from}
        push:
          stream: messages
          verify: {header: X-Sum, algorithm: hmac_sha256, key: "{{ config.secret }}", prefix: "sha256=", string: "{{ body }}"}
          challenge: {query: ask, verify: {query: word, equals: "{{ config.word }}"}}
          answer: {status: 202, body: ok}
        """

    static func door(_ text: String = whole, inputs: [String: String] = ["secret": "s3cret", "word": "sesame"]) throws -> ChannelDoor {
        let file = try ChannelFile.read(text, file: "p.yaml")
        var account = Account(name: "a", kind: .channel, url: "channel://p")
        account.channel = ChannelAccount(name: "p", inputs: inputs.mapValues { [Secret($0)] })
        return try #require(ChannelDoor(account, channels: ChannelShelf(["p": file])))
    }

    static func sum(_ body: [UInt8], key: String = "s3cret") -> String {
        let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(key.utf8)))
        return "sha256=" + code.map { String(format: "%02x", $0) }.joined()
    }

    static func signed(_ body: String) -> ChannelPushed {
        ChannelPushed(headers: [("x-sum", sum(Array(body.utf8)))], body: Array(body.utf8))
    }

    static let good = #"{"items":[{"id":"7","at":"2026-11-20T08:00:00Z","kind":"text","text":"hi","from":"zoe"},{"id":"8","kind":"seen"}]}"#

    @Test func `what is pushed has the id that the same record has when it is polled`() throws {
        let items = try Self.door().take(Self.signed(Self.good), now: Self.now, state: nil)
        #expect(items.map(\.externalID) == ["messages/7"])
        #expect(items.map { $0.meta[MetaKey.format] } == [ChannelItem.format])
        #expect(try Self.door().thanks == .taken(status: 202, body: "ok"))
    }

    @Test func `our own posts are left out when the polls know who we are`() throws {
        let items = try Self.door().take(Self.signed(Self.good), now: Self.now, state: #"{"check":{"self":"zoe"}}"#)
        #expect(items.isEmpty)
    }

    @Test(
        "a signature counts only when it is whole and of this body",
        arguments: [
            ("", HookRefusal.unsigned), ("sha256=", .signature), (sum(Array("other".utf8)), .signature),
            (sum(Array(good.utf8), key: ""), .signature), (String(sum(Array(good.utf8)).dropLast()), .signature),
            (String(sum(Array(good.utf8)).dropFirst(7)), .signature),
        ])
    func signatures(given: String, refusal: HookRefusal) throws {
        let door = try Self.door()
        #expect(throws: refusal) {
            try door.take(ChannelPushed(headers: [("X-Sum", given)], body: Array(Self.good.utf8)), now: Self.now, state: nil)
        }
    }

    @Test func `capitals in a hexadecimal sum are the same sum`() throws {
        let sum = Self.sum(Array(Self.good.utf8)).uppercased()
        let items = try Self.door().take(ChannelPushed(headers: [("X-Sum", sum)], body: Array(Self.good.utf8)), now: Self.now, state: nil)
        #expect(items.count == 1)
    }

    @Test func `bytes that are no UTF-8 are signed as they are, and kept whole`() throws {
        let body: [UInt8] = [0xC4, 0xE3, 0xBA, 0xC3, 0xFF, 0x00]
        let items = try Self.door().take(ChannelPushed(headers: [("X-Sum", Self.sum(body))], body: body), now: Self.now, state: nil)
        #expect(items.map(\.bytes) == [body])
        #expect(items[0].meta[MetaKey.format] == ChannelDoor.format)
        #expect(items[0].externalID == "messages/body-\(sha256(body))")
    }

    @Test func `without the account's secret nothing is believed`() throws {
        let door = try Self.door(inputs: [:])
        let sum = Self.sum(Array(Self.good.utf8), key: "")
        #expect(throws: HookRefusal.signature) {
            try door.take(ChannelPushed(headers: [("X-Sum", sum)], body: Array(Self.good.utf8)), now: Self.now, state: nil)
        }
    }

    @Test func `a record without an id keeps the whole body, beside the records that have one`() throws {
        let body = #"{"items":[{"id":"7","at":"2026-11-20T08:00:00Z","kind":"text","text":"hi"},{"kind":"text","text":"who am I"}]}"#
        let door = try Self.door()
        let items = try door.take(Self.signed(body), now: Self.now, state: nil)
        #expect(items.map { $0.meta[MetaKey.format] } == [ChannelItem.format, ChannelDoor.format])
        let error = #expect(throws: ChannelTrouble.self) { try door.reread(Array(body.utf8), now: Self.now) }
        #expect(error?.say.contains("1 of the records pushed to p have no external_id; correct channels/p.yaml") == true)
        #expect(try door.reread(Array(Self.good.utf8), now: Self.now).map(\.externalID) == ["messages/7"])
    }

    // MARK: Questions for the address

    @Test func `the question for the address is answered only with the right word`() throws {
        let door = try Self.door()
        func ask(_ query: [(name: String, value: String)]) throws -> String? {
            try door.challenge(ChannelPushed(query: query, body: []), now: Self.now)
        }
        #expect(try ask([("ask", "4711"), ("word", "sesame")]) == "4711")
        #expect(try ask([("word", "sesame")]) == nil)
        #expect(throws: HookRefusal.challenge) { try ask([("ask", "4711"), ("word", "sesamE")]) }
        #expect(throws: HookRefusal.challenge) { try ask([("ask", "4711")]) }
        let nameless = try Self.door(inputs: ["secret": "s3cret"])
        #expect(throws: HookRefusal.challenge) {
            try nameless.challenge(ChannelPushed(query: [("ask", "4711"), ("word", "")], body: []), now: Self.now)
        }
    }

    @Test func `a question without a word of its own is signed like everything else`() throws {
        let text = Self.whole
            .replacing(
                "{header: X-Sum, algorithm: hmac_sha256, key: \"{{ config.secret }}\", prefix: \"sha256=\", string: \"{{ body }}\"}",
                with: "{query: sum, algorithm: sha1_sorted, string: \"{{ config.secret }}\\n{{ query.at }}\"}"
            )
            .replacing("{query: ask, verify: {query: word, equals: \"{{ config.word }}\"}}", with: "{query: ask}")
        let door = try Self.door(text)
        let sum = Insecure.SHA1.hash(data: Array("17s3cret".utf8)).map { String(format: "%02x", $0) }.joined()
        #expect(try door.challenge(ChannelPushed(query: [("ask", "9"), ("at", "17"), ("sum", sum)], body: []), now: Self.now) == "9")
        #expect(throws: HookRefusal.challenge) {
            try door.challenge(ChannelPushed(query: [("ask", "9"), ("at", "18"), ("sum", sum)], body: []), now: Self.now)
        }
    }

    @Test func `a question in the body is answered in JSON when the file says so`() throws {
        let text = Self.whole.replacing(
            "{query: ask, verify: {query: word, equals: \"{{ config.word }}\"}}", with: "{body: $.challenge, as: challenge}")
        let door = try Self.door(text)
        #expect(try door.challenge(Self.signed(#"{"challenge":"a\"b"}"#), now: Self.now) == #"{"challenge":"a\"b"}"#)
        #expect(try door.challenge(Self.signed(Self.good), now: Self.now) == nil)
        #expect(throws: HookRefusal.challenge) {
            try door.challenge(ChannelPushed(body: Array(#"{"challenge":"x"}"#.utf8)), now: Self.now)
        }
    }

    // MARK: Time

    @Test(
        "what was not signed just now is not believed",
        arguments: [
            ("1795161600", true), ("1795161600000", true), ("2026-11-20T07:56:00Z", true), ("1795161299", false), ("1795161901", false),
            ("", false), ("soon", false), ("-5", false), ("99999999999999999999", false),
        ])
    func times(at: String, isBelieved: Bool) throws {
        let text = Self.whole.replacing(
            "prefix: \"sha256=\", string: \"{{ body }}\"}",
            with: "prefix: \"sha256=\", string: \"{{ headers.at }}.{{ body }}\", timestamp: headers.at}")
        let door = try Self.door(text)
        let push = ChannelPushed(
            headers: [("At", at), ("X-Sum", Self.sum(Array("\(at).\(Self.good)".utf8)))], body: Array(Self.good.utf8))
        if isBelieved {
            #expect(try door.take(push, now: Self.now, state: nil).count == 1)
        } else {
            #expect(throws: HookRefusal.stale) { try door.take(push, now: Self.now, state: nil) }
        }
    }

    @Test func `a shared word in a header is compared as it is`() throws {
        let text = Self.whole.replacing(
            "algorithm: hmac_sha256, key: \"{{ config.secret }}\", prefix: \"sha256=\", string: \"{{ body }}\"",
            with: "algorithm: none, string: \"{{ config.secret }}\"")
        let body = Array(Self.good.utf8)
        #expect(try Self.door(text).take(ChannelPushed(headers: [("X-Sum", "s3cret")], body: body), now: Self.now, state: nil).count == 1)
        for wrong in ["S3CRET", "s3cre", ""] {
            #expect(throws: HookRefusal.self) {
                try Self.door(text).take(ChannelPushed(headers: [("X-Sum", wrong)], body: body), now: Self.now, state: nil)
            }
        }
    }

    // MARK: Sealed bodies

    private static let aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

    /// As WeChat seals: chance, length, text, receiver, padded to 32 bytes.
    private static func sealed(_ text: String, for receiver: String = "wx1") throws -> String {
        let key = try #require(Data(base64Encoded: aesKey + "="))
        var plain = [UInt8](repeating: 7, count: 16) + withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian) { Array($0) }
        plain += Array(text.utf8) + Array(receiver.utf8)
        let padding = 32 - plain.count % 32
        plain += [UInt8](repeating: UInt8(padding), count: padding)
        let start = try AES._CBC.IV(ivBytes: Array(key.prefix(16)))
        return try AES._CBC.encrypt(plain, using: SymmetricKey(data: key), iv: start, noPadding: true).base64EncodedString()
    }

    private static func sealedPush(_ sealed: String, question: Bool = false) -> ChannelPushed {
        let parts = ["t0ken", "1795161599", "77", sealed].sorted().joined()
        let sum = Insecure.SHA1.hash(data: Array(parts.utf8)).map { String(format: "%02x", $0) }.joined()
        let query = [("timestamp", "1795161599"), ("nonce", "77"), ("msg_signature", sum)] + (question ? [("echostr", sealed)] : [])
        let body = question ? "" : "<xml><ToUserName>gh</ToUserName><Encrypt><![CDATA[\(sealed)]]></Encrypt></xml>"
        return ChannelPushed(query: query.map { (name: $0.0, value: $0.1) }, body: Array(body.utf8))
    }

    @Test func `what WeChat seals is opened when it is signed and for us, and nothing else is taken then`() throws {
        let file = try ChannelLibrary.read(ChannelFileTests.folder + "/wechat-oa.yaml")
        var account = Account(name: "a", kind: .channel, url: "channel://wechat-oa")
        let inputs = ["appid": "wx1", "secret": "s", "token": "t0ken", "aes_key": Self.aesKey]
        account.channel = ChannelAccount(name: "wechat-oa", inputs: inputs.mapValues { [Secret($0)] })
        let door = try #require(ChannelDoor(account, channels: ChannelShelf(["wechat-oa": file])))
        let text =
            "<xml><FromUserName>fan</FromUserName><CreateTime>1795161599</CreateTime><MsgType>text</MsgType><Content>你好</Content>"
            + "<MsgId>9</MsgId></xml>"
        let items = try door.take(Self.sealedPush(try Self.sealed(text)), now: Self.now, state: nil)
        #expect(items.map(\.externalID) == ["push/9"] && String(decoding: items[0].bytes, as: UTF8.self).contains("你好"))
        #expect(try door.challenge(Self.sealedPush(try Self.sealed("4711"), question: true), now: Self.now) == "4711")
        #expect(throws: HookRefusal.signature) {
            try door.take(Self.sealedPush(try Self.sealed(text, for: "wx2")), now: Self.now, state: nil)
        }
        var changed = Self.sealedPush(try Self.sealed(text))
        changed.query[1].value = "78"
        #expect(throws: HookRefusal.signature) { try door.take(changed, now: Self.now, state: nil) }
        #expect(throws: HookRefusal.signature) { try door.take(Self.sealedPush("AAAA"), now: Self.now, state: nil) }
        #expect(throws: HookRefusal.unsigned) {
            try door.take(ChannelPushed(query: changed.query, body: Array(text.utf8)), now: Self.now, state: nil)
        }
    }

    // MARK: Files

    @Test(
        "a mistake in the push of a file is told with its place and the fix",
        arguments: [
            ("  verify:", "  where: []\n  #", "`verify` is missing; without it anybody could write to this address"),
            ("stream: messages", "stream: mesages", "`mesages` is not a stream of this file; did you mean `messages`?"),
            ("hmac_sha256, key: \"{{ config.secret }}\"", "hmac_sha256", "this algorithm needs `key`"),
            ("algorithm: hmac_sha256", "algorithm: sha256", "a sum over the body alone proves nothing"),
            ("algorithm: hmac_sha256", "algorithm: none", "write the secret, such as {{ config.token }}"),
            ("prefix:", "within: 5m, prefix:", "`within` needs `timestamp`"),
            ("{query: ask,", "{query: ask, body: $.x,", "either in a `query` parameter or in the `body`"),
            ("  stream: messages", "", "`records` is missing"),
        ])
    func mistakes(old: String, new: String, says: String) {
        let text = Self.whole.replacing(old, with: new)
        let error = #expect(throws: RuleError.self) { try ChannelFile.read(text, file: "p.yaml") }
        #expect(
            error?.description.contains(says) == true && error?.description.hasPrefix("p.yaml:1") == true, "\(error?.description ?? "")")
    }
}
