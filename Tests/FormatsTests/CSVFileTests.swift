import Foundation
import Testing

@testable import Formats

@Suite struct CSVFileTests {
    private func rows(_ text: String) throws -> [String] {
        let path = NSTemporaryDirectory() + "hongyan-\(UUID().uuidString).csv"
        try Data(text.utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        var file = try CSVFile(path: path)
        var found: [String] = []
        while let rows = try file.next() { found += rows.map { $0["name"] ?? "-" } }
        return found
    }

    @Test func `a file of several pieces gives the rows that the whole gives`() throws {
        let names = (0..<40_000).map { $0 % 7 == 0 ? "line\n\"\($0)\"" : "name \($0), \(String(repeating: "x", count: $0 % 40))" }
        let text = "id,name\n" + names.enumerated().map { "\($0),\"\($1.replacingOccurrences(of: "\"", with: "\"\""))\"\n" }.joined()
        #expect(text.utf8.count > 3 * CSVFile.chunkBytes)
        #expect(try rows(text) == names)
    }

    @Test func `small files and odd ends are read whole`() throws {
        #expect(try rows("") == [])
        #expect(try rows("name") == [])
        #expect(try rows("name\n") == [])
        #expect(try rows("name\r\na\r\n\r\nb") == ["a", "b"])
        #expect(try rows("id,name\n1,5\" pipe\n2,b\n") == ["5\" pipe", "b"])
    }

    @Test func `a record without an end and a missing file are told`() throws {
        #expect(throws: CSVFileError.self) { _ = try CSVFile(path: "/nonexistent.csv") }
        #expect(throws: (any Error).self) {
            _ = try rows("name\n\"" + String(repeating: "x", count: CSVFile.recordBytesMax + CSVFile.chunkBytes))
        }
    }
}
