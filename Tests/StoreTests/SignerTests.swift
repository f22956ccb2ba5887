import Store
import Testing

struct SignerTests {
    let signer = Signer(secret: Array("a secret of this test".utf8))

    @Test(arguments: [Int64(0), 1, 7_654_321, .max])
    func `a Message-ID of ours is recognised, however it is written and wherever it comes from`(id: Int64) {
        let text = signer.messageID(kind: "s", id: id, domain: "example.com")
        let name = text.split(separator: "@").first ?? ""
        #expect(text.hasPrefix("h.s."))
        for form in [text, "<\(text)>", "  <\(text)> ", "\(name)@other.example", text.uppercased()] {
            #expect(signer.verifyMessageID(form)?.id == id, "\(form)")
            #expect(signer.verifyMessageID(form)?.kind == "s")
        }
    }

    @Test func `a Message-ID of others is not`() {
        let ours = signer.messageID(kind: "s", id: 5, domain: "example.com")
        let other = Signer(secret: [1, 2, 3]).messageID(kind: "s", id: 5, domain: "example.com")
        let moved = ours.split(separator: ".").enumerated().map { $0 == 2 ? "6" : String($1) }.joined(separator: ".")
        let renamed = ours.split(separator: ".").enumerated().map { $0 == 1 ? "t" : String($1) }.joined(separator: ".")
        for forged in [
            "", "<>", "h.s.5.@x", "a@b", "h.s.5.0000000000000000@x", other, moved, renamed, String(repeating: "h.", count: 9000),
        ] {
            #expect(signer.verifyMessageID(forged) == nil, "\(forged.prefix(60))")
        }
    }

    @Test(arguments: [[], [""], ["7", "news"], ["a:b", "", "3:x"], ["订阅", "\n\0"]])
    func `a token gives back its parts and fits into a URL`(parts: [String]) {
        let token = signer.token("u", parts)
        #expect(signer.verifyToken("u", token) == parts)
        #expect(token.utf8.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
    }

    @Test func `a token that was changed or made for something else is refused`() {
        let token = signer.token("u", ["7", "news"])
        let changed = String(token.dropLast()) + (token.hasSuffix("A") ? "Q" : "A")
        for (kind, text) in [
            ("s", token), ("u", changed), ("u", ""), ("u", "AAAA"), ("u", token + "A"), ("u", "%%%"), ("u", String(token.dropLast(2))),
        ] {
            #expect(signer.verifyToken(Character(kind), text) == nil, "\(kind) \(text)")
        }
        #expect(Signer(secret: [9]).verifyToken("u", token) == nil)
    }

    @Test func `a digest depends on the text and the secret`() {
        #expect(signer.digest("a") == signer.digest("a"))
        #expect(signer.digest("a") != signer.digest("b"))
        #expect(signer.digest("a") != Signer(secret: [9]).digest("a"))
        #expect(signer.digest("a").utf8.count == 64)
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool { (48...57).contains(self) || (65...90).contains(self) || (97...122).contains(self) }
}

extension SignerTests {
    @Test("a return path is ours or it is nothing, in either case of letters", arguments: [Int64(0), 1, 7_654_321, .max])
    func returnPath(id: Int64) {
        let token = signer.returnPath(id: id)
        #expect(token.utf8.count <= 30)
        for form in [token, token.uppercased(), "bounce+\(token)@x.example", "<b+\(token)@x>"] {
            #expect(signer.verifyReturnPath(form) == id)
        }
        for forged in [
            "", "-", "bounce@x", "+@", "1-\(token)", token + "0", Signer(secret: [1]).returnPath(id: id), "-1-\(token.suffix(16))",
        ] {
            #expect(signer.verifyReturnPath(forged) == nil, "\(forged)")
        }
    }
}
