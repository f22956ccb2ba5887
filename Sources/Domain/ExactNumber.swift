/// A decimal number as it was written: `units` divided by 10 to the power of `scale`. No rounding ever.
public struct ExactNumber: Sendable, Hashable {
    static let scaleMax = 18

    public let units: Int64
    /// Digits behind the point, 0…18; none of them a zero at the end.
    public let scale: Int

    /// `-12.50`, `1e3` (RFC 8259); nil for anything else, and for what does not fit into 64 bits.
    public init?(_ text: some StringProtocol) {
        var bytes = text.utf8[...]
        var isNegative = false
        if let sign = bytes.first, sign == 0x2D || sign == 0x2B {
            isNegative = sign == 0x2D
            bytes = bytes.dropFirst()
        }
        var digits: [Int64] = []
        var scale = 0
        var exponent = 0
        var isFraction = false
        var count = 0
        while let byte = bytes.first {
            bytes = bytes.dropFirst()
            switch byte {
            case 0x30...0x39:
                count += 1
                digits.append(Int64(byte) - 0x30)
                if isFraction { scale += 1 }
            case 0x2E where !isFraction && count > 0: isFraction = true
            case 0x45 where count > 0, 0x65 where count > 0:
                guard let power = Int(String(decoding: bytes, as: UTF8.self)), (-40...40).contains(power) else { return nil }
                exponent = power
                bytes = bytes.suffix(0)
            default: return nil
            }
            guard count <= 60 else { return nil }
        }
        guard count > 0 else { return nil }
        scale -= exponent
        while scale > 0, digits.last == 0 {
            digits.removeLast()
            scale -= 1
        }
        while scale < 0 {
            digits.append(0)
            scale += 1
        }
        guard scale <= Self.scaleMax, let value = Self.value(digits) else { return nil }
        units = isNegative ? -value : value
        self.scale = value == 0 ? 0 : scale
    }

    private static func value(_ digits: [Int64]) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            let (times, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isStillTooLarge) = times.addingReportingOverflow(digit)
            if isTooLarge || isStillTooLarge { return nil }
            value = sum
        }
        return value
    }

    private init(units: Int64, scale: Int) {
        self.units = units
        self.scale = scale
    }

    /// In units of 10 to the power of minus `digits`; nil when that is not exact, or does not fit.
    public func units(digits: Int) -> Int64? {
        guard scale <= digits else { return nil }
        var value = units
        for _ in scale..<digits {
            let (times, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            if isTooLarge { return nil }
            value = times
        }
        return value
    }

    /// Nil when the sum does not fit.
    public func adding(_ other: ExactNumber) -> ExactNumber? {
        let digits = max(scale, other.scale)
        guard let a = units(digits: digits), let b = other.units(digits: digits) else { return nil }
        let (sum, isTooLarge) = a.addingReportingOverflow(b)
        return isTooLarge ? nil : ExactNumber(Self.text(sum, digits: digits))
    }

    public static let zero = ExactNumber(units: 0, scale: 0)
    public var decimal: String { Self.text(units, digits: scale) }

    /// `(1250, 2)` → `12.50`
    public static func text(_ units: Int64, digits: Int) -> String {
        guard digits > 0 else { return String(units) }
        var text = String(units.magnitude)
        if text.count <= digits { text = String(repeating: "0", count: digits + 1 - text.count) + text }
        return (units < 0 ? "-" : "") + text.dropLast(digits) + "." + text.suffix(digits)
    }
}

extension ExactNumber {
    /// Which sign stands before the fraction in a table.
    public enum Mark: String, Sendable, CaseIterable {
        case point, comma
        var byte: UInt8 { self == .point ? 0x2E : 0x2C }
    }

    /// Reads an amount as people write it into tables: `€ 1,299.00`, `1.299,00 €`, `¥58`, `1 299,00 kr`, `(12.00)` for minus twelve.
    /// - Parameter mark: what separates the fraction; nil guesses, and refuses where a guess could be wrong by a thousand: `1.299`.
    public static func written(_ text: String, mark: Mark?) throws(AmountError) -> ExactNumber {
        func wrong(_ problem: String) -> AmountError { AmountError(text: text, problem: problem) }
        var kept: [UInt8] = []
        var isNegative = false
        var isOver = false  // a sign or a word stood behind digits
        var endsInMinus = false
        var before: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            let previous = before
            before = scalar
            switch scalar {
            case ".", ",", "．", "，":
                if kept.isEmpty {
                    // A name with a point of its own, `Rs. 500`; else a fraction without a whole: `.50`.
                    if previous?.properties.isAlphabetic == true { continue }
                    kept.append(0x30)
                }
                fallthrough
            case "0"..."9", "０"..."９":
                guard !isOver else { throw wrong("is more than one amount") }
                kept.append(plain(scalar))
            case "-", "−", "(", "（":
                // Before the digits, or as bookkeepers write it, at the very end: `12.00-`. Anywhere else it belongs to a word.
                if kept.isEmpty { isNegative = true } else { endsInMinus = scalar == "-" || scalar == "−" }
                isOver = !kept.isEmpty
                continue
            case "'", "’", "_", "\u{A0}", "\u{202F}", " ": continue  // between thousands
            default: break  // currency signs and names
            }
            endsInMinus = false
            if !kept.isEmpty, plain(scalar) == 0 { isOver = true }
        }
        isNegative = isNegative || endsInMinus
        while let last = kept.last, last == 0x2E || last == 0x2C { kept.removeLast() }
        guard kept.contains(where: { (0x30...0x39).contains($0) }) else { throw wrong("is not an amount; write 1299.50") }
        let used: UInt8
        if let mark { used = mark.byte } else { used = try guess(kept, wrong) }
        let groups = kept.split(separator: used, omittingEmptySubsequences: false)
        guard groups.count <= 2 else { throw wrong("has more than one decimal sign; say which it is") }
        let other: UInt8 = used == 0x2E ? 0x2C : 0x2E
        let thousands = groups[0].split(separator: other, omittingEmptySubsequences: false)
        guard thousands.dropFirst().allSatisfy({ $0.count == 3 || $0.count == 2 }), thousands.count == 1 || !thousands[0].isEmpty,
            thousands.count == 1 || thousands[thousands.count - 1].count == 3, !(groups.count == 2 && groups[1].contains(other))
        else { throw wrong("is not an amount: its thousands are grouped oddly; write 1299.50") }
        var plain = isNegative ? "-" : ""
        plain += String(decoding: thousands.joined(), as: UTF8.self)
        if groups.count == 2 { plain += "." + String(decoding: groups[1], as: UTF8.self) }
        guard let number = ExactNumber(plain) else { throw wrong("is too large or too long") }
        return number
    }

    /// The ASCII of a digit or a sign in it, full width or not; 0 for anything else.
    private static func plain(_ scalar: Unicode.Scalar) -> UInt8 {
        switch scalar {
        case "0"..."9", ".", ",": UInt8(scalar.value)
        case "０"..."９": UInt8(scalar.value - 0xFF10 + 0x30)
        case "．": 0x2E
        case "，": 0x2C
        default: 0
        }
    }

    private static func guess(_ kept: [UInt8], _ wrong: (String) -> AmountError) throws(AmountError) -> UInt8 {
        let points = kept.count { $0 == 0x2E }
        let commas = kept.count { $0 == 0x2C }
        if points > 0, commas > 0 { return kept.last { $0 == 0x2E || $0 == 0x2C }! }
        if points + commas == 0 { return 0x2E }
        let sign: UInt8 = points > 0 ? 0x2E : 0x2C
        // Several of one kind can only be thousands.
        if points + commas > 1 { return sign == 0x2E ? 0x2C : 0x2E }
        let parts = kept.split(separator: sign)
        if parts.count == 2, parts[1].count == 3, parts[0].count <= 3, parts[0] != [0x30] {
            throw wrong("may be thousands or a fraction; say which sign stands before the fraction")
        }
        return sign
    }
}
