import Testing

@testable import Formats

@Suite struct CSVTests {
    struct Case: Sendable { var text: String; var gives: [String] }

    @Test(
        "a table is read row by row",
        arguments: [
            Case(text: "name,text\nAnn,\"a, \"\"b\"\"\nc\"\r\nBob,d\n", gives: ["name=Ann text=a, \"b\"\nc", "name=Bob text=d"]),
            Case(text: "a;b\n1,5;2\n", gives: ["a=1,5 b=2"]),
            Case(text: "a\tb\n1\t\n", gives: ["a=1 b="]),
            Case(text: "a,b\n1\n1,2,3\n\n4,5", gives: ["a=1 b=", "a=1 b=2 column 3=3", "a=4 b=5"]),
            Case(text: "a,,A\n1,2,3", gives: ["a=1 column 2=2 column 3=3"]),
            Case(text: "a,b\n\"x\"y,z\"\n", gives: ["a=xy b=z\""]),
            Case(text: "a,b\n", gives: []),
            Case(text: "a,b", gives: []),
            Case(text: "", gives: []),
            Case(text: "\u{FEFF}\"姓名\",反馈\r\n张伟,很好\r\n", gives: ["姓名=张伟 反馈=很好"]),
        ])
    func reads(_ test: Case) throws {
        let rows = try CSV.parse(Array(test.text.utf8))
        #expect(rows.map { $0.fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ") } == test.gives)
    }

    @Test func `a table in GB18030 is recognised`() throws {
        // 姓名,反馈 / 张伟,商品有问题
        let bytes: [UInt8] =
            [0xD0, 0xD5, 0xC3, 0xFB, 0x2C, 0xB7, 0xB4, 0xC0, 0xA1, 0x0D, 0x0A, 0xD5, 0xC5, 0xCE, 0xB0, 0x2C]
            + [0xC9, 0xCC, 0xC6, 0xB7, 0xD3, 0xD0, 0xCE, 0xCA, 0xCC, 0xE2, 0x0D, 0x0A]
        let rows = try CSV.parse(bytes)
        #expect(rows.first?["姓名"] == "张伟")
        #expect(rows.first?[" 反馈 "] == "商品有问题")
        #expect(rows.first?["missing"] == nil)
    }

    @Test func `a quote that is never closed is an error with its line`() {
        let error = #expect(throws: CSVError.self) { try CSV.parse(Array("a,b\n1,2\n3,\"4\n5".utf8)) }
        #expect(error?.description == "the quote opened on line 3 of the CSV is never closed; export it again")
    }

    @Test func `too many columns are an error with the line`() {
        let text = "a,b\n" + String(repeating: "x,", count: CSV.columnsMax + 1)
        let error = #expect(throws: CSVError.self) { try CSV.parse(Array(text.utf8)) }
        #expect(error?.description == "line 2 of the CSV has more than 2000 columns; check the delimiter")
    }
}
