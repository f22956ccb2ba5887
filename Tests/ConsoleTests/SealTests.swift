import Domain
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct SealTests {
    @Test(
        "a signature is a chip and no file; only a file that is not what it claims is told so",
        arguments: [
            ("en", "signature verified", "not what it claims: application/x-msdownload"),
            ("zh", "签名有效", "与声称的类型不符：application/x-msdownload"),
        ])
    func chips(language: String, seal: String, disguise: String) async throws {
        try await House.serve { house, browser in
            let ticket = try await house.ticket { message in
                message.attachments = [
                    Attachment(name: "signature.asc", type: "application/pgp-signature", sizeBytes: 500, hash: "a"),
                    Attachment(name: "terms.pdf", type: "application/pdf", sizeBytes: 15, hash: "b"),
                    Attachment(name: "invoice.pdf", type: "application/pdf", sizeBytes: 2000, hash: "c"),
                ]
                message.fields = [
                    .init(name: Interaction.sealField, value: MailSeal(.signed, by: .openPGP, finding: .good(by: "Ann")).stored),
                    .init(name: Interaction.detectedField, value: "2 application/x-msdownload"),
                ]
            }
            let browser = try await house.signIn(language == "en" ? house.maya : house.xiaomei, browser)
            let page = try await browser.get("/tickets/\(ticket.number)").body
            #expect(page.contains(">\(seal)</span>"))
            #expect(!page.contains("signature.asc"))
            #expect(page.contains("/files/1\"") && page.contains("/files/2\"") && !page.contains("/files/0\""))
            #expect(page.contains("<strong class=\"chip bad\">\(disguise)</strong>"))
            #expect(page.split(separator: "<strong class=\"chip bad\">").count == 2, "and no other file has such a chip")
        }
    }

    @Test func `a file called signature that nobody signed with is a file`() async throws {
        try await House.serve { house, browser in
            let ticket = try await house.ticket { message in
                message.attachments = [Attachment(name: "signature.asc", type: "application/pgp-signature", sizeBytes: 500, hash: "a")]
            }
            let page = try await house.signIn(house.maya, browser).get("/tickets/\(ticket.number)").body
            #expect(page.contains("signature.asc"))
        }
    }
}
