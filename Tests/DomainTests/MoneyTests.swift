import Domain
import Testing

@Suite struct MoneyTests {
    static func currency(_ code: String) -> Currency { Currency(rawValue: code)! }

    @Test(
        "an amount is exact in the smallest unit of its currency",
        arguments: [
            ("12.50", "EUR", Int64(1250)), ("12.5", "eur", 1250), ("0.1", "USD", 10), ("-3", "CNY", -300), ("500", "JPY", 500),
            ("1.234", "KWD", 1234), ("12.500000", "EUR", 1250), ("1e3", "EUR", 100_000), ("1.5E-1", "USD", 15), ("007", "USD", 700),
            ("9999999999999.99", "USD", 999_999_999_999_999), ("0.29", "USD", 29), ("1.1", "EUR", 110), ("4.35", "EUR", 435),
        ])
    func exact(text: String, code: String, units: Int64) throws {
        let money = try Money(decimal: text, currency: Self.currency(code))
        #expect(money.units == units)
        #expect(try Money(decimal: money.decimal, currency: money.currency) == money, "what it writes it reads")
    }

    @Test(
        "what is not exactly an amount is refused with what stood there",
        arguments: [
            ("12.345", "EUR"), ("1.5", "JPY"), ("", "EUR"), ("abc", "EUR"), ("1,5", "EUR"), ("1.2.3", "EUR"), (".5", "EUR"), ("--1", "EUR"),
            ("1e99", "EUR"), ("99999999999999999999", "EUR"), ("10000000000000001", "JPY"), ("NaN", "EUR"), ("0x10", "EUR"), ("5-", "EUR"),
        ])
    func refused(text: String, code: String) {
        let error = #expect(throws: AmountError.self) { try Money(decimal: text, currency: Self.currency(code)) }
        #expect(error?.text == text)
    }

    @Test(
        "amounts are read as people write them",
        arguments: [
            ("€ 1,299.00", nil, "1299"), ("1.299,00 €", nil, "1299"), ("¥58", nil, "58"), ("1 299,50 kr", nil, "1299.5"),
            ("(12.00)", nil, "-12"),
            ("−3,50", nil, "-3.5"), ("1.234.567", nil, "1234567"), ("1,299", ExactNumber.Mark.point, "1299"), ("1.299", .point, "1.299"),
            ("1.299", .comma, "1299"), ("1299元", nil, "1299"), ("１２．５０", nil, "12.5"), ("Rs. 1,00,000", .point, "100000"),
            ("0,5", nil, "0.5"), ("€ .50", nil, "0.5"), ("12.00-", nil, "-12"), ("12.00 (paid)", nil, "12"), ("Rs. 500", nil, "500"),
            ("CHF 1'299.05", nil, "1299.05"), ("12,5", nil, "12.5"), ("0.125", nil, "0.125"),
        ])
    func written(text: String, mark: ExactNumber.Mark?, decimal: String) throws {
        #expect(try ExactNumber.written(text, mark: mark).decimal == decimal)
    }

    @Test(
        "what could be two amounts is refused, not guessed",
        arguments: [
            ("1,299", nil), ("1.299", nil), ("10-20", nil), ("3 x 5", nil), ("free", nil), ("1,2,3", ExactNumber.Mark.point),
            ("12.34.56", .point),
        ])
    func ambiguous(text: String, mark: ExactNumber.Mark?) {
        #expect(throws: AmountError.self) { try ExactNumber.written(text, mark: mark) }
    }

    @Test func `amounts are written by language and currency`() throws {
        func written(_ text: String, _ code: String, _ locale: String) throws -> String {
            try Money(decimal: text, currency: Self.currency(code)).written(locale: locale)
        }
        #expect(try written("1299", "CNY", "zh") == "¥1,299.00" && written("1299", "CNY", "en") == "CN¥1,299.00")
        #expect(try written("1234567.5", "USD", "en") == "$1,234,567.50" && written("5", "USD", "zh-Hans") == "US$5.00")
        #expect(try written("-58", "EUR", "en") == "−€58.00" && written("5000", "JPY", "en") == "¥5,000")
        #expect(try written("1.5", "KWD", "en") == "KWD\u{A0}1.500" && written("100", "EUR", "en") == "€100.00")
    }

    @Test func `a currency is one of ISO 4217, with its digits`() {
        #expect(["JPY", "EUR", "KWD", "CLF"].map { Self.currency($0).digits } == [0, 2, 3, 4])
        #expect(Currency(rawValue: "XYZ") == nil && Currency(rawValue: "euro") == nil && Currency(rawValue: "") == nil)
        #expect(Currency(written: " 人民币 ")?.rawValue == "CNY" && Currency(written: "€")?.rawValue == "EUR")
        #expect(Currency(written: "¥") == nil && Currency(written: "$") == nil, "these mean several")
    }

    @Test func `sums are exact`() {
        let parts = ["0.1", "0.2", "-12.90", "1e2"].compactMap { ExactNumber($0) }
        let sum = parts.reduce(ExactNumber.zero) { $0.adding($1)! }
        #expect(parts.count == 4 && sum.decimal == "87.4")
        for text in ["1e-9223372036854775808", "1e9223372036854775807", "1e99999999999999999999", "1e-41"] {
            #expect(ExactNumber(text) == nil)
        }
        #expect(ExactNumber("9223372036854775807")?.adding(ExactNumber("1")!) == nil)
    }

    @Test(
        "the words of shops for how far an order is",
        arguments: [
            ("PAID", Order.Status.paid), ("已付款", .paid), ("on-hold", .placed), ("Completed", .fulfilled), ("已退款", .refunded),
            ("canceled", .cancelled),
        ])
    func status(word: String, status: Order.Status) {
        #expect(Order.Status(word: word) == status)
        #expect(Order.Status(word: "teleported") == nil)
    }

    @Test func `the average of what stays is rounded once, halves up`() {
        let value = CustomerValue(
            currency: Self.currency("EUR"), count: 3, total: 1000, refunded: 0, firstAt: Timestamp(seconds: 0),
            lastAt: Timestamp(seconds: 1))
        #expect(value.average == 333)
        #expect(
            CustomerValue(currency: value.currency, count: 2, total: 5, refunded: 0, firstAt: value.firstAt, lastAt: value.lastAt).average
                == 3)
    }
}
