import Testing

@testable import Formats

@Suite struct ReplyProbeTests {
    private static let text = "Yes.\n\nKind regards,\nAnn\n\nSent from my iPhone\n\nOn 3 Jun 2024, at 10:00, Bob wrote:\n> One?\n"

    @Test("a text, an HTML document and a mail are read the same way", arguments: ["txt", "html", "eml"])
    func kinds(fileExtension: String) throws {
        let head = "From: ann@example.org\nSubject: Re: Lamp\n\n"
        let drawn = "<p>Yes.</p><p>Kind regards,<br>Ann</p><p>Sent from my iPhone</p><p>On 3 Jun 2024, at 10:00, Bob wrote:</p><p>One?</p>"
        let source = ["txt": Self.text, "html": drawn, "eml": head + Self.text][fileExtension] ?? ""
        let result = try ReplyProbe.result(Array(source.utf8), fileExtension: fileExtension)
        #expect(result["reply_text"]?.string == "Yes.")
        #expect(result["signature"]?.string == "Kind regards,\nAnn\n\nSent from my iPhone")
        #expect(result["quoted"]?.string?.hasPrefix("On 3 Jun 2024, at 10:00, Bob wrote:") == true)
        #expect(result["reasons"]?.array?.count == 3)
        let kept = try ReplyProbe.result(Array(source.utf8), fileExtension: fileExtension, keepSignature: true)
        #expect(kept["reply_text"]?.string == "Yes.\n\nKind regards,\nAnn")
    }

    @Test("the page names the part of each line and what cut")
    func page() throws {
        let page = try ReplyProbe.page(Array("Yes.\n> One?\n".utf8), fileExtension: "txt")
        #expect(page == "new       │ Yes.\nquoted    │ > One?\nquoted    │ \n\nline 2: “>” marks quoted lines\n")
        #expect(try ReplyProbe.page([], fileExtension: "txt") == "new       │ \n\nNothing was split off.\n")
    }

    @Test("what is no message is named")
    func unknown() {
        let error = #expect(throws: ReplyProbe.Problem.self) { try ReplyProbe.result([], fileExtension: "png") }
        #expect(error?.description == "a .png file is no message; give .txt, .html or .eml")
    }
}
