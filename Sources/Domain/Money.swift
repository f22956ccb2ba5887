/// A currency of ISO 4217, by its three letters.
public struct Currency: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    public let rawValue: String

    /// - Parameter rawValue: three letters in either case; nil when no such currency is in use.
    public init?(rawValue: String) {
        let code = rawValue.uppercased()
        guard code.utf8.count == 3, Self.codes.contains(code) else { return nil }
        self.rawValue = code
    }

    /// As tables have it: a code, or a sign or name that means one currency only.
    public init?(written text: String) {
        let word = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        if let known = Self(rawValue: word) {
            self = known
        } else if let code = Self.names[word.lowercased()], let known = Self(rawValue: code) {
            self = known
        } else {
            return nil
        }
    }

    /// Digits behind the decimal point: its smallest unit is 10 to the power of minus this.
    public var digits: Int {
        if Self.withoutDigits.contains(rawValue) { return 0 }
        if Self.withThreeDigits.contains(rawValue) { return 3 }
        return Self.withFourDigits.contains(rawValue) ? 4 : 2
    }

    public var description: String { rawValue }

    // ISO 4217, list one, of 2026-01-01, and what was replaced since 2020 and still stands in old orders.
    private static let codes = words(
        """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF \
        CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF \
        IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU \
        MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD \
        SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST \
        XAD XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ZWL
        """)
    private static let withoutDigits = words("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF")
    private static let withThreeDigits = words("BHD IQD JOD KWD LYD OMR TND")
    private static let withFourDigits = words("CLF UYW")
    /// ¥ and $ alone mean several currencies and stand here not.
    private static let names = [
        "€": "EUR", "euro": "EUR", "£": "GBP", "₩": "KRW", "₹": "INR", "us$": "USD", "hk$": "HKD", "nt$": "TWD", "cn¥": "CNY",
        "jp¥": "JPY", "rmb": "CNY", "cny¥": "CNY", "人民币": "CNY", "元": "CNY", "美元": "USD", "欧元": "EUR", "日元": "JPY", "港币": "HKD",
        "港元": "HKD",
        "英镑": "GBP", "新台币": "TWD", "台币": "TWD", "韩元": "KRW",
    ]

    private static func words(_ text: String) -> Set<String> { Set(text.split(whereSeparator: \.isWhitespace).map(String.init)) }
}

/// An amount in whole smallest units of its currency: exact, never a fraction.
public struct Money: Sendable, Hashable, Codable {
    /// No amount is larger: sums of thousands of them still fit into 64 bits.
    public static let largest: Int64 = 1_000_000_000_000_000

    public var units: Int64
    public var currency: Currency

    public init(units: Int64, currency: Currency) {
        self.units = units
        self.currency = currency
    }

    /// - Parameter decimal: `12.50`, as JSON or a program writes it.
    /// - Throws: `AmountError` when it is no number, has more digits than the currency, or is too large.
    public init(decimal: String, currency: Currency) throws(AmountError) {
        guard let number = ExactNumber(decimal) else { throw AmountError(text: decimal, problem: "is not an amount; write 1299.50") }
        guard let units = number.units(digits: currency.digits) else {
            throw AmountError(text: decimal, problem: "has more digits than \(currency) (\(currency.digits)), or is too large")
        }
        guard units.magnitude <= Self.largest.magnitude else { throw AmountError(text: decimal, problem: "is too large for an order") }
        self.init(units: units, currency: currency)
    }

    /// `12.50`; with as many digits as the currency has.
    public var decimal: String { ExactNumber.text(units, digits: currency.digits) }

    /// As people of a language write it: `€1,299.00`, `CN¥58.00`; in Chinese `¥58.00`, `US$12.50`.
    public func written(locale: String) -> String {
        let isChinese = locale.hasPrefix("zh")
        let plain = ExactNumber.text(Int64(clamping: units.magnitude), digits: currency.digits)
        let whole = plain.prefix { $0 != "." }
        var grouped = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { grouped.append(",") }
            grouped.append(digit)
        }
        let sign = (isChinese ? Self.signsChinese : Self.signsEnglish)[currency.rawValue] ?? currency.rawValue + "\u{A0}"
        return (units < 0 ? "−" : "") + sign + grouped + plain.dropFirst(whole.count)
    }

    // As the Unicode CLDR writes them.
    private static let signs = [
        "EUR": "€", "GBP": "£", "KRW": "₩", "INR": "₹", "HKD": "HK$", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "BRL": "R$", "MXN": "MX$",
        "VND": "₫", "ILS": "₪", "TWD": "NT$",
    ]
    private static let signsEnglish = signs.merging(["USD": "$", "CNY": "CN¥", "JPY": "¥"]) { $1 }
    private static let signsChinese = signs.merging(["USD": "US$", "CNY": "¥", "JPY": "JP¥", "AUD": "AU$", "KRW": "￦"]) { $1 }
}

/// Why a text is no amount.
public struct AmountError: Error, Hashable, CustomStringConvertible {
    public var text: String
    public var problem: String
    public init(text: String, problem: String) {
        self.text = text
        self.problem = problem
    }
    public var description: String { "“\(text.prefix(60))” \(problem)" }
}
