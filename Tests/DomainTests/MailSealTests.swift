import Domain
import Testing

@Suite struct MailSealTests {
    @Test(
        "a finding is kept and read again",
        arguments: [
            MailSeal(.signed, by: .smime), MailSeal(.signed, by: .openPGP, finding: .good(by: "Ann Lee <ann@example.com>")),
            MailSeal(.signed, by: .openPGP, finding: .unsure(by: "somebody")),
            MailSeal(.encrypted, by: .smime, finding: .bad(why: "it ends too early")),
            MailSeal(.encrypted, by: .openPGP, finding: .good(by: "")),
        ])
    func roundTrip(seal: MailSeal) { #expect(MailSeal(stored: seal.stored) == seal) }

    @Test("what is no finding is none", arguments: ["", "signed", "signed PGP good x", "sealed OpenPGP good x", "signed OpenPGP fine x"])
    func nonsense(text: String) { #expect(MailSeal(stored: text) == nil) }

    @Test("attachments that are not what they claim are told by their index")
    func disguises() {
        var message = Interaction(
            id: ID(1), account: "a", externalID: "1", kind: .mail, nature: .human, occurredAt: Timestamp(seconds: 0),
            receivedAt: Timestamp(seconds: 0), author: Interaction.Author(), recipients: [], subject: "", body: "")
        message.fields = [
            Interaction.Field(name: Interaction.detectedField, value: "2 application/x-msdownload"),
            Interaction.Field(name: Interaction.detectedField, value: "nonsense"), Interaction.Field(name: "Subject", value: "3 text/html"),
        ]
        #expect(message.disguises == [2: "application/x-msdownload"])
    }
}
