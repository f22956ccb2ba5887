/// Who may send mail for a domain (RFC 7208), as its record says it.
public struct SPFRecord: Sendable, Hashable {
    public enum Result: String, Sendable, Hashable { case pass, fail, softfail, neutral }

    public enum Mechanism: Sendable, Hashable {
        case all
        case include(String)
        /// The domain, ours when nil, and how many bits of the address count.
        case a(String?, v4: Int, v6: Int)
        case mx(String?, v4: Int, v6: Int)
        case ptr(String?)
        case exists(String)
        /// Address and bits.
        case ip4([UInt8], bits: Int)
        case ip6([UInt8], bits: Int)
    }

    public struct Term: Sendable, Hashable {
        public var result: Result
        public var mechanism: Mechanism
    }

    /// One that receivers answer with `permerror`.
    public struct Mistake: Error, Sendable, Hashable {
        public var term: String
    }

    static let termsMax = 200

    public var terms: [Term] = []
    public var redirect: String?

    /// Whether a TXT record is meant as one (§4.5).
    public static func isMeant(_ text: String) -> Bool {
        let lowered = ASCII.lowercased(text)
        return lowered == "v=spf1" || lowered.hasPrefix("v=spf1 ")
    }

    public init(_ text: String) throws(Mistake) {
        let words = text.split(separator: " ").dropFirst()
        guard words.count <= Self.termsMax else { throw Mistake(term: "more than \(Self.termsMax) terms") }
        for word in words {
            let word = String(word)
            let name = word.prefix { $0 != ":" && $0 != "/" && $0 != "=" }
            if word.dropFirst(name.count).first == "=" {
                try modifier(ASCII.lowercased(String(name)), String(word.dropFirst(name.count + 1)), word)
            } else {
                terms.append(try Self.term(word))
            }
        }
    }

    private mutating func modifier(_ name: String, _ value: String, _ word: String) throws(Mistake) {
        guard let first = name.utf8.first, ASCII.isLetter(first) else { throw Mistake(term: word) }
        guard name == "redirect" else { return }  // `exp` and unknown ones decide nothing (§6)
        guard redirect == nil, !value.isEmpty else { throw Mistake(term: word) }
        redirect = value
    }

    private static func term(_ word: String) throws(Mistake) -> Term {
        var rest = word[...]
        var result = Result.pass
        switch rest.first {
        case "+": rest.removeFirst()
        case "-": (result, rest) = (.fail, rest.dropFirst())
        case "~": (result, rest) = (.softfail, rest.dropFirst())
        case "?": (result, rest) = (.neutral, rest.dropFirst())
        default: break
        }
        let name = ASCII.lowercased(String(rest.prefix { $0 != ":" && $0 != "/" }))
        rest = rest.dropFirst(name.count)
        guard let mechanism = mechanism(name, String(rest)) else { throw Mistake(term: word) }
        return Term(result: result, mechanism: mechanism)
    }

    private static func mechanism(_ name: String, _ rest: String) -> Mechanism? {
        let value = rest.hasPrefix(":") ? String(rest.dropFirst()) : nil
        switch name {
        case "all": return rest.isEmpty ? .all : nil
        case "include": return value.flatMap { $0.isEmpty ? nil : .include($0) }
        case "exists": return value.flatMap { $0.isEmpty ? nil : .exists($0) }
        case "ptr": return rest.isEmpty ? .ptr(nil) : value.flatMap { $0.isEmpty ? nil : .ptr($0) }
        case "a", "mx":
            guard let (domain, v4, v6) = host(rest) else { return nil }
            return name == "a" ? .a(domain, v4: v4, v6: v6) : .mx(domain, v4: v4, v6: v6)
        case "ip4", "ip6":
            guard let value else { return nil }
            let parts = value.split(separator: "/", omittingEmptySubsequences: false)
            let most = name == "ip4" ? 32 : 128
            guard parts.count <= 2, let bytes = address(String(parts[0])), bytes.count * 8 == most else { return nil }
            guard let bits = parts.count == 2 ? Int(parts[1]) : most, (0...most).contains(bits) else { return nil }
            return name == "ip4" ? .ip4(bytes, bits: bits) : .ip6(bytes, bits: bits)
        default: return nil
        }
    }

    /// `:domain/24//64`, each part optional (§5.3).
    private static func host(_ rest: String) -> (String?, Int, Int)? {
        var domain: String?
        var rest = rest[...]
        if rest.first == ":" {
            let name = rest.dropFirst().prefix { $0 != "/" }
            guard !name.isEmpty else { return nil }
            domain = String(name)
            rest = rest.dropFirst(name.count + 1)
        }
        var (v4, v6) = (32, 128)
        if rest.hasPrefix("/"), !rest.hasPrefix("//") {
            let digits = rest.dropFirst().prefix { $0 != "/" }
            guard let bits = Int(digits), (0...32).contains(bits) else { return nil }
            v4 = bits
            rest = rest.dropFirst(digits.count + 1)
        }
        if rest.hasPrefix("//") {
            guard let bits = Int(rest.dropFirst(2)), (0...128).contains(bits) else { return nil }
            v6 = bits
            rest = ""
        }
        return rest.isEmpty ? (domain, v4, v6) : nil
    }

    /// The bytes of an address in text.
    static func address(_ text: String) -> [UInt8]? { AddressText.bytes(text) }

    /// Whether an address lies in a network.
    public static func contains(_ network: [UInt8], bits: Int, _ address: [UInt8]) -> Bool {
        guard network.count == address.count else { return false }
        for index in network.indices {
            let left = bits - index * 8
            if left <= 0 { return true }
            let mask: UInt8 = left >= 8 ? 0xFF : ~(0xFF >> UInt8(left))
            if network[index] & mask != address[index] & mask { return false }
        }
        return true
    }
}
