"""Corners where money could go wrong: what nobody asks on a good day, and must be answered well."""


def void(system, authorization, **options):
    return system.post(f"/v1/authorizations/{authorization['id']}/void", **options)


def refusal(answer):
    return answer.status_code, answer.json()["code"]


def test_void_of_a_decline_whose_account_does_not_exist(make_system):
    system = make_system(env={"TALLYSTICK_AUTO_OPEN_LIMIT": "off"})
    declined = system.authorize("nobody", "1.00").json()
    assert declined["decision_code"] == "account_not_found"
    assert refusal(void(system, declined)) == (409, "invalid_state")
